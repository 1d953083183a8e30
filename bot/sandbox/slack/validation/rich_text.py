"""The `rich_text` block."""

from bot.sandbox.slack.validation.shapes import Check, flag, integer, listing, record, string, typed, word

_STYLES = ("bold", "italic", "strike", "code", "underline", "highlight", "client_highlight", "unlink")
_STYLE = record(optional=dict.fromkeys(_STYLES, flag))
_INLINE = typed(
    {
        "text": record({"text": string()}, {"style": _STYLE}),
        "link": record({"url": string(3000)}, {"text": string(), "unsafe": flag, "style": _STYLE}),
        "user": record({"user_id": string()}, {"style": _STYLE}),
        "usergroup": record({"usergroup_id": string()}, {"style": _STYLE}),
        "channel": record({"channel_id": string()}, {"style": _STYLE}),
        "emoji": record({"name": string()}, {"unicode": string(), "skin_tone": integer(), "style": _STYLE}),
        "date": record(
            {"timestamp": integer(0), "format": string()},
            {"url": string(3000), "fallback": string(), "style": _STYLE},
        ),
        "broadcast": record({"range": word("here", "channel", "everyone")}, {"style": _STYLE}),
        "color": record({"value": string()}, {"style": _STYLE}),
    }
)
_SECTION = record({"elements": listing(_INLINE, least=0)})
_BORDER = integer(0, 1)

RICH_TEXT: Check = record(
    {
        "elements": listing(
            typed(
                {
                    "rich_text_section": _SECTION,
                    "rich_text_list": record(
                        {
                            "style": word("bullet", "ordered"),
                            "elements": listing(typed({"rich_text_section": _SECTION})),
                        },
                        {"indent": integer(0, 8), "offset": integer(0), "border": _BORDER},
                    ),
                    "rich_text_preformatted": record(
                        {"elements": listing(_INLINE)}, {"border": _BORDER, "language": string()}
                    ),
                    "rich_text_quote": record({"elements": listing(_INLINE)}, {"border": _BORDER}),
                }
            ),
        )
    },
    {"block_id": string(255)},
)

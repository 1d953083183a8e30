"""Who may do what, by hand: every operation, each way to ask for it, every role and whoever has none."""

# A administrator, B backup operator, R restore operator, V viewer, T tape operator, N nobody (no grant),
# G guest in the admins' group, F from another organisation in the admins' group, D deactivated in it.
PEOPLE = {
    "A": "ann", "B": "ole", "R": "ria", "V": "vic", "T": "tom", "N": "nia", "G": "gus",
    "F": "fay", "D": "dee",
}  # fmt: skip
# Typed as a command, and clicked as a button or a menu of a message.
ASKED = {
    #           ABRVTNGFD
    "jobs":     "yyyyy....",
    "job":      "yyyyy....",
    "why":      "yyyyy....",
    "sessions": "yyyyy....",
    "session":  "yyyyy....",
    "status":   "yyyyy....",
    "servers":  "yyyyy....",
    "report":   "yyyyy....",
    "audit":    "y........",
    "subscriptions": "yy.......",
    "start":    "yy..y....",
    "stop":     "yy..y....",
    "retry":    "yy..y....",
    "enable":   "y........",
    "disable":  "y........",
    "clone":    "y........",
    "create":   "y........",
    "edit":     "y........",
    "delete":   "y........",
    "quickbackup": "yy.......",
    "apply":    "yy..y....",
    "clearcache": "yy..y....",
    "subscribe": "yy.......",
    "unsubscribe": "yy.......",
    "ack":      "yy..y....",
    "mute":     "yy..y....",
    "unmute":   "yy..y....",
    "whoami":   "yyyyyy...",
    "help":     "yyyyyy...",
}  # fmt: skip
# Sent off as a form; of a form of several, each by itself.
SUBMITTED = {
    #                 ABRVTNGFD
    "start":          "yy..y....",
    "stop":           "yy..y....",
    "retry":          "yy..y....",
    "enable":         "y........",
    "disable":        "y........",
    "clone":          "y........",
    "create choice":  "y........",
    "create fields":  "y........",
    "create summary": "y........",
    "edit choice":    "y........",
    "edit fields":    "y........",
    "edit summary":   "y........",
    "delete":         "y........",
    "quickbackup":    "yy.......",
    "apply":          "yy..y....",
    "clearcache":     "yy..y....",
    "mute":           "yy..y....",
}  # fmt: skip
# Only clicked: the person's own page, what stands on an administrator's request to delete a job, and the
# answer to a message about planned maintenance.
CLICKED = {
    #          ABRVTNGFD
    "home":    "yyyyyy...",
    "request": "yyyyy....",
    "retry_all": "yy..y....",
    "ack_all": "yy..y....",
    "mute_all": "yy..y....",
    "mute_unmet": "yy..y....",
    "ackexpectation": "yy..y....",
    "muteexpectation": "yy..y....",
    "unmuteexpectation": "yy..y....",
    "retry_group": "yy..y....",
    "ack_group":  "yy..y....",
    "mute_group": "yy..y....",
    "approve": "y........",
    "decline": "y........",
    "muteserver":   "yy..y....",
    "unmuteserver": "yy..y....",
}  # fmt: skip
# Done at once, and never by a form.
WITHOUT_FORM = {"ack", "unmute"}
NO_ROLE = "requires a Veeam role, and you have none here"
NOT_THIS = "Your role does not include"
WHY = {
    "B": NOT_THIS,
    "T": NOT_THIS,
    "R": NOT_THIS,
    "V": NOT_THIS,
    "N": NO_ROLE,
    "G": "Guests of this workspace can't use this",
    "F": "People from other organisations can't use this",
    "D": "Your Slack account is deactivated",
}
REASON = {
    "B": "role", "R": "role", "V": "role", "T": "role", "N": "no_grant", "G": "standing", "F": "standing",
    "D": "standing",
}  # fmt: skip


def may(rows: dict[str, str], row: str, letter: str) -> bool:
    """Whether that row says so of that person."""
    return rows[row][list(PEOPLE).index(letter)] == "y"


def cases(rows: dict[str, str]) -> list[tuple[str, str]]:
    """Each row with each person."""
    return [(row, letter) for row in rows for letter in PEOPLE]

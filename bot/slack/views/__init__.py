"""Views: typed values in, messages out. Pure: a view asks nobody, waits for nothing and reads no clock.

`outcomes.outcome` draws what came of a gesture, `announcements.announcement` what happened, `actions` keeps
the message of a running action current, `notices` tells the rest. Words, signs and limits: `signs`, `errors`,
`message`.
"""

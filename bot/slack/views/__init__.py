"""Views: typed values in, messages out. Pure: a view asks nobody, waits for nothing and reads no clock.

`outcomes.outcome` draws the answer to a gesture, `announcements.announcement` an announcement; `actions`
keeps the message of a running action current; `forms` and `surface` draw modals. Words, signs and limits:
`status_text`, `server_errors`, `message`.
"""

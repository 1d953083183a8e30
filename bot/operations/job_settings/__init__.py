"""A job's settings, made and changed by form: drafts, fields and choices, creating and editing.

A draft is filled in, looked over, and sent once. Nothing here changes what nobody asked to be changed.
"""

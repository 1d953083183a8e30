"""The sandbox: VBR and Slack in a box, both speaking the real protocols on 127.0.0.1.

It imports no other room of the bot, so that a wrong idea of a platform cannot be wrong on both sides. Only
the command line and the tests open it.
"""

"""What lives in the agent's process while a recorded session is played again.

The tape is the recording; the player says what comes next and holds what happens against it; transport, tools and
sockets are the three places where an agent would leave its process. Nothing here reads a store: the read side makes
tapes out of one, and a tape is a JSON file of its own.
"""

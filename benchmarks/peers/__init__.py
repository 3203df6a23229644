"""What one would use otherwise: one script a peer, run in an environment of its own.

Each takes a folder of texts and a folder for its state, brings a LanceDB table ``chunks`` with at
least the columns ``path`` and ``text`` up to date with the texts, in the way its documentation
shows, and prints one JSON line (see `common`). The scripts import nothing of beast_assets.
"""

"""The only room that prints, listens or stores: actions, and the faces over them."""

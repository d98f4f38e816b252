"""Steps of the dialogs: forms, options, and a sign-in that is tried out."""

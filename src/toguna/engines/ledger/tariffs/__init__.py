"""Tariffs: what each thing costs, by which act, since when; and what it would cost whoever asks."""

"""Mockups: designs on garments, as pictures and turntables, with the jobs that ask for them."""

"""Sample products whose pictures come from the mockups' renderer, in any colour."""

"""The asset factory of a personalised-merchandise company, run by Dagster."""

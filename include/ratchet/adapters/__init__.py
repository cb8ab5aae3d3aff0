"""The only files that import dvc, mlflow, great_expectations or evidently: one file each, or one package."""

"""What can be asked: one module or package per verb, evidence in, a frozen result out."""

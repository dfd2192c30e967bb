"""Networks and other functions as jets: values, slopes, second derivatives."""

"""How a model or a run did, as one HTML file that opens without network, on a phone, in print and without colour."""

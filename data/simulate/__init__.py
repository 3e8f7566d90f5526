"""A synthetic company that satisfies the contract, with the truth that no real company has."""

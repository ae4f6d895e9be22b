"""What breaks each relation, and what the relation then says; one file for each file of them."""

"""What processes, brokers and databases that die, freeze or go away do to the messages."""

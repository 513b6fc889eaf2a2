"""Face masks drawn onto unmasked faces, registered pixel by pixel."""

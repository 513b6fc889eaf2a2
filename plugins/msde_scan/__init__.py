"""SCAN: spatio-channel attention with complementary context (Gera and Balasubramanian 2021)."""

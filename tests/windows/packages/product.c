/* Stands in for a product's program: it is there, and does nothing. */
int main(void) { return 0; }

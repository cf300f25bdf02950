"""Why a model says what it says: which inputs it rests on, and what each of them contributed to one answer."""

"""How good detection is: labelled texts of our own, scores, and what is found where nothing is."""

"""What a window with findings sets off. One file, one reaction."""

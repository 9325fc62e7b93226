//! (in another branch)

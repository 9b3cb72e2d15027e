//! The dashboard's behaviour, from outside.

//! isbg-engine

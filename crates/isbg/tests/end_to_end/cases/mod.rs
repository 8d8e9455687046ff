//! Twenty-two ways in which an earlier isbg lost, doubled, skipped or wrongly passed mail, and that none of them is open any
//! more. The numbers are those of the list in the documentation's comparison with isbg 2.3.1.

mod bounds;
mod failures;
mod removals;
mod scorers;

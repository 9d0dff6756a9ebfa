//! What the journal promises, checked through its public interface and by looking into its file. Times are made up;
//! nothing here waits for a clock.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may stop at the first surprise")]
#![expect(clippy::indexing_slicing, reason = "a test may stop at the first surprise")]

mod journal {
    mod altered;
    mod archiving;
    mod arriving;
    mod beside;
    mod calling;
    mod controlling;
    mod deciding;
    mod downtime;
    mod drifting;
    mod fetched;
    mod file;
    mod following;
    mod forecast;
    mod found;
    mod growth;
    mod judged;
    mod kit;
    mod lanes;
    mod late_controls;
    mod leaving;
    mod noting;
    mod ordering;
    mod plans;
    mod reading;
    mod reassigning;
    mod reconciling;
    mod reporting;
    mod resending;
    mod restoring;
    mod routing;
    mod signing;
    mod stuck;
    mod told;
    mod traced;
    mod traffic;
    mod walk;
}

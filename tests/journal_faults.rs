//! What the journal does when the disk fails under it: nothing is acknowledged that a restart doesn't find. Faults are
//! injected into the system calls of this very test binary, run again with a role; the same checks must also catch
//! two deliberately wrong ways to store.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod journal_faults {
    mod archived;
    mod full_disk;
    mod injected;
    mod order;
    mod roles;
    mod run;
}

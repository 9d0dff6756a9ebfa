//! When both sides ask at once.

use std::time::Duration;

use super::script::{check, check_with};

#[test]
fn the_host_yields_and_the_instrument_goes_first() {
    check(
        r"
        queue 1 L|1\r
        send ENQ
        > ENQ
        note contention
        doing waiting to send: the analyzer goes first
        timer 20s
        wait 1s
        > ENQ
        began
        send ACK
        > 1:L|1\r ETX
        store 0 ends 4
        ~ stored 0
        send ACK
        > EOT
        ended
        send ENQ
        > ACK
        send 1:L|1\r ETX
        ",
    );
}

#[test]
fn the_host_asks_again_after_20_seconds_if_the_instrument_does_not() {
    check(
        r"
        queue 1 L|1\r
        send ENQ
        > ENQ
        note contention
        wait 19.9s
        wait 0.1s
        send ENQ
        > ACK
        send 1:L|1\r ETX
        ",
    );
}

#[test]
fn the_enq_that_collided_is_not_answered_but_the_next_one_in_the_same_read_is() {
    check(
        r"
        queue 1 L|1\r
        send ENQ
        > ENQ ENQ
        note contention
        began
        send ACK
        ",
    );
}

#[test]
fn a_line_that_echoes_our_own_enq_is_given_up() {
    let mut script = "queue 1 L|1\\r\nsend ENQ\n".to_owned();
    for _ in 1..6 {
        script += "> ENQ\nnote contention\nwait 20s\nsend ENQ\n";
    }
    check(&(script + "> ENQ\nnote contention\nsent 1 refused"));
}

#[test]
fn in_the_instruments_part_the_link_asks_again_after_1_second() {
    check_with(
        |settings| settings.timing.contention = Duration::from_secs(1),
        r"
        queue 1 L|1\r
        send ENQ
        > ENQ
        note contention
        wait 1s
        send ENQ
        ",
    );
}

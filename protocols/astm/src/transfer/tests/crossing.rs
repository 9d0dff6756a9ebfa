//! An answer that leaves as the peer stops waiting for it, and counts for what the peer says next.

use super::script::{check, check_whole};

#[test]
fn who_asks_again_and_goes_on_with_the_first_answer_gets_no_second() {
    check(
        r"
        > ENQ
        began
        send ACK
        > EOT
        note keep-alive
        ended
        > ENQ
        began
        > 1:H|\^&\r ETX
        note answered-before
        store 0
        ~ stored 0
        send ACK
        > 2:L|1\r ETX
        store 1 ends 4
        ",
    );
}

#[test]
fn who_asks_again_and_waits_is_answered_a_moment_later() {
    check(
        r"
        > ENQ
        began
        send ACK
        > EOT
        note keep-alive
        ended
        > ENQ
        began
        timer 1s
        wait 1s
        send ACK
        timer 30s
        > 1:H|\^&\r ETX
        store 0
        ",
    );
}

#[test]
fn who_asks_a_third_time_is_answered_at_once() {
    check(
        r"
        > ENQ
        began
        send ACK
        > ENQ
        note restarted
        cut restarted
        began
        > ENQ
        note restarted
        cut restarted
        began
        send ACK
        ",
    );
    check(
        r"
        > ENQ
        began
        send ACK
        > EOT
        note keep-alive
        ended
        > ENQ
        began
        > EOT
        note keep-alive
        ended
        timer none
        > ENQ
        began
        send ACK
        ",
    );
}

#[test]
fn who_gave_up_on_a_frame_may_have_its_answer_when_it_asks_again() {
    check(
        r"
        > ENQ
        began
        send ACK
        > 1:H|\^&\r ETX
        store 0
        ~ stored 0
        send ACK
        > EOT
        ended
        > ENQ
        began
        > 1:H|\^&\r ETX
        note answered-before
        store 1
        ",
    );
}

#[test]
fn who_ended_a_message_is_answered_at_once_unless_its_last_answer_was_late() {
    let message = |wait: &str| {
        format!(
            r"
            > ENQ
            began
            send ACK
            > 1:H|\^&\rL|1\r ETX
            store 0 ends 10
            {wait}
            ~ stored 0
            send ACK
            > EOT
            ended
            > ENQ
            began
            "
        )
    };
    check(&format!("{}\nsend ACK", message("")));
    check(&format!(
        "{}\n> 1:H|\\^&\\rL|1\\r ETX\nnote answered-before\nstore 1 ends 10",
        message("wait 15s")
    ));
}

/// What a host finds that was held up: its answer comes to a peer that has ended already.
#[test]
fn who_ended_before_the_last_answer_may_have_it_when_it_asks_again() {
    check_whole(
        r"
        > ENQ
        began
        send ACK
        > 1:H|\^&\rL|1\r ETX EOT
        store 0 ends 10
        ~ stored 0
        send ACK
        ended
        > ENQ
        began
        > 1:H|\^&\rL|2\r ETX
        note answered-before
        store 1 ends 10
        ",
    );
}

#[test]
fn who_sends_a_frame_again_and_goes_on_with_the_first_answer_gets_no_second() {
    check(
        r"
        > ENQ
        began
        send ACK
        > 1:H|\^&\r ETX
        store 0
        ~ stored 0
        send ACK
        > 1:H|\^&\r ETX
        note repeated-frame
        > 2:L|1\r ETX
        note answered-before
        store 1 ends 4
        ~ stored 1
        send ACK
        ",
    );
}

#[test]
fn who_is_sending_a_frame_is_not_answered_in_the_middle_of_it() {
    check(
        r#"
        > ENQ
        began
        send ACK
        > EOT
        note keep-alive
        ended
        > ENQ
        began
        wait 0.9s
        > STX "1H|\^"
        wait 0.2s
        > "&\r" ETX "E5" CR LF
        note answered-before
        store 0
        "#,
    );
}

#[test]
fn a_new_connection_owes_nothing() {
    check(
        r"
        > ENQ
        began
        send ACK
        > EOT
        note keep-alive
        ended
        > ENQ
        began
        ~ disconnected
        cut disconnected
        timer none
        ~ connected
        > ENQ
        began
        send ACK
        ",
    );
}

//! What lies between a block and its answer: the disk.

use super::script::{check, check_with};
use crate::transfer::Release;

#[test]
fn a_message_is_answered_when_it_is_stored_and_not_before() {
    check(
        r"
        doing waiting for a message
        > block MSH|^~\&|Sim\rPID|1\r
        began
        store 0 ends 19
        doing storing a message
        idle no
        wait 3600s
        timer none
        ~ stored 0 say MSA|AA|1
        send MSA|AA|1
        idle yes
        timer none
        ~ disconnected
        ended
        doing waiting for a connection
        ",
    );
}

#[test]
fn only_the_receipt_for_the_message_in_flight_earns_its_answer() {
    check(
        r"
        ~ stored 0 say early
        > block MSH|^~\&|1
        began
        store 0 ends 10
        ~ stored 1 say other
        ~ failed 7 say other
        ~ stored 0 say MSA|AA|1
        send MSA|AA|1
        ~ stored 0 say again
        ~ failed 0 say again
        ",
    );
}

#[test]
fn both_answers_of_the_enhanced_mode_are_sent_each_in_its_block() {
    check(
        r"
        > block MSH|^~\&|1
        began
        store 0 ends 10
        ~ stored 0 say MSA|CA|1 / MSA|AA|1
        send MSA|CA|1
        send MSA|AA|1
        ",
    );
}

#[test]
fn a_message_that_could_not_be_stored_is_refused_and_stored_when_it_comes_again() {
    check(
        r"
        > block MSH|^~\&|1
        began
        store 0 ends 10
        ~ failed 0 say MSA|AR|1
        note not-stored
        send MSA|AR|1
        > block MSH|^~\&|1
        store 1 ends 10
        ~ stored 1 silent
        ",
    );
}

#[test]
fn messages_that_come_together_are_stored_and_answered_one_after_the_other() {
    check(
        r#"
        > VT "MSH|^~\&|1" FS CR VT "MSH|^~\&|22" FS CR VT "MSH|^~\&|3" FS CR
        began
        store 0 ends 10
        ~ stored 0 say one
        send one
        store 1 ends 11
        ~ failed 1 say two
        note not-stored
        send two
        store 2 ends 10
        ~ stored 2 say three
        send three
        ~ disconnected
        ended
        "#,
    );
}

#[test]
fn messages_with_the_same_control_id_or_none_are_each_stored() {
    for id in ["1", ""] {
        let message = format!("> block MSH|^~\\&||||||||{id}|P");
        let ends = 18 + id.len();
        check(&format!(
            "{message}\nbegan\nstore 0 ends {ends}\n~ stored 0 say one\nsend one\n\
             {message}\nstore 1 ends {ends}\n~ stored 1 say two\nsend two"
        ));
    }
}

#[test]
fn a_batch_is_one_parcel_with_the_ends_of_its_messages() {
    check(
        r"
        > block BHS|^~\&\rMSH|^~\&|1\rMSH|^~\&|2\rBTS|2\r
        began
        store 0 ends 20,37
        ~ stored 0 say ack
        send ack
        ",
    );
}

#[test]
fn a_receipt_after_the_disconnect_is_ignored() {
    check(
        r"
        > block MSH|^~\&|1
        began
        store 0 ends 10
        ~ disconnected
        ended
        ~ stored 0 say late
        ~ connected
        ~ stored 0 say later
        > block MSH|^~\&|2
        began
        store 1 ends 10
        ~ stored 1 say ack
        send ack
        ",
    );
}

#[test]
fn complete_messages_are_still_stored_when_the_connection_is_lost() {
    check(
        r#"
        > VT "MSH|^~\&|1" FS CR VT "MSH|^~\&|22" FS CR VT "MSH|^~\&|3" FS
        began
        store 0 ends 10
        ~ disconnected
        note missing-cr
        store 1 ends 11
        store 2 ends 10
        ended
        "#,
    );
}

#[test]
fn in_release_two_a_commit_block_comes_before_the_answer() {
    check_with(
        |settings| settings.release = Release::Two,
        r"
        > block MSH|^~\&|1
        began
        store 0 ends 10
        ~ stored 0
        send ACK
        > block MSH|^~\&|2
        store 1 ends 10
        ~ failed 1
        note not-stored
        send NAK
        > block MSH|^~\&|3
        store 2 ends 10
        ~ stored 2 say MSA|AA|3
        send ACK
        send MSA|AA|3
        > block MSH|^~\&|4
        store 3 ends 10
        ~ stored 3 silent
        ",
    );
}

#[test]
fn while_nothing_can_be_stored_a_new_message_waits_and_one_under_way_does_not() {
    check(
        r#"
        > VT "MSH|^~"
        ~ busy
        idle no
        > "\&|1" FS CR
        began
        store 0 ends 10
        > block MSH|^~\&|22
        note busy
        ~ stored 0 say one
        send one
        idle yes
        doing waiting for room to store a message
        ~ open
        store 1 ends 11
        ~ stored 1 say two
        send two
        "#,
    );
}

#[test]
fn a_message_that_still_waits_when_the_connection_is_lost_is_not_stored_and_was_not_answered() {
    check(
        r"
        ~ busy
        > block MSH|^~\&|1
        note busy
        idle yes
        ~ disconnected
        note unstored
        ",
    );
}

/// What was read of it would be missing to whoever went on with the connection.
#[test]
fn a_message_that_has_begun_or_waits_is_left_to_nobody_though_the_connection_could_be_closed() {
    check(
        r#"
        fresh yes
        ~ busy
        > VT "MSH|^~"
        idle yes
        fresh no
        > "\&|1" FS CR
        note busy
        idle yes
        fresh no
        ~ disconnected
        note unstored
        fresh no
        "#,
    );
}

//! Answers that only faults give.

use super::message::{Reply, refuse};
use crate::faults::Lie;

pub(super) fn failure(status: u16) -> Reply {
    let message = match status {
        401 => "Bad credentials",
        403 => "Resource not accessible by integration",
        404 => "Not Found",
        429 => "You have exceeded a secondary rate limit.",
        502 => "Server Error",
        503 => "Service Unavailable",
        _ => "Something went wrong while executing your query.",
    };
    *refuse(status, message).0
}

pub(super) fn html_failure(status: u16) -> Reply {
    let page = "<!DOCTYPE html>\n<html><head><title>Unicorn! &middot; GitHub</title></head>\
                <body><p><strong>This page is taking too long to load.</strong></p></body></html>";
    Reply::html(status, page.to_owned())
}

pub(super) fn garble(mut reply: Reply, lie: Lie) -> Reply {
    reply.status = 200;
    reply.body = match lie {
        Lie::Truncated => reply.body.slice(..reply.body.len() / 2),
        Lie::Empty => bytes::Bytes::new(),
        Lie::Blank => bytes::Bytes::from_static(b"{}"),
        Lie::NotApplied => reply.body,
    };
    reply
}

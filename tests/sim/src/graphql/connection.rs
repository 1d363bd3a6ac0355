//! Pages of lists.

use super::arguments::Arguments;
use super::objects::Node;
use super::value::{Failure, Field, Plain, Resolved};

/// A page of a list: `first` from the front (`after` a cursor), `last` from the end; one of
/// them must be given, and a hundred is the most.
pub(crate) fn connection(typename: &'static str, nodes: Vec<Node>, arguments: &Arguments) -> Field {
    let (first, last) = (arguments.count("first"), arguments.count("last"));
    let count = first.or(last).ok_or_else(|| {
        let message = "You must provide a `first` or `last` value to properly paginate the \
                       connection.";
        Failure::new("MISSING_PAGINATION_BOUNDARIES", message)
    })?;
    if count > 100 {
        let message = format!("Requesting {count} records on the connection exceeds the limit of 100 records.");
        return Err(Failure::new("EXCESSIVE_PAGINATION", message));
    }
    let total = nodes.len();
    let after = arguments.text("after").and_then(|it| it.parse::<usize>().ok());
    let start = match first {
        Some(_) => after.unwrap_or(0).min(total),
        None => total.saturating_sub(count),
    };
    let end = (start + count).min(total);
    let cursor = |at: usize| (start < end).then(|| at.to_string());
    let info = Plain::new("PageInfo")
        .text("hasNextPage", end < total)
        .text("hasPreviousPage", start > 0)
        .text("startCursor", cursor(start + 1))
        .text("endCursor", cursor(end));
    Ok(Resolved::Object(
        Plain::new(typename)
            .text("totalCount", total)
            .with("nodes", Resolved::list(nodes.into_iter().take(end).skip(start)))
            .with("pageInfo", Resolved::Object(info.node()))
            .node(),
    ))
}

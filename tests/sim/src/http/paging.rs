//! Pages by number, with GitHub's `Link` header.

use serde_json::Value;

use super::message::{Reply, Request};

/// Which part of a list was asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Page {
    number: usize,
    size: usize,
}

impl Page {
    /// `?page=` and `?per_page=`: 30 by default, at most 100.
    pub(crate) fn of(request: &Request) -> Page {
        let number = |name: &str| request.query(name).and_then(|it| it.parse::<usize>().ok());
        Page { number: number("page").unwrap_or(1).max(1), size: number("per_page").unwrap_or(30).clamp(1, 100) }
    }

    pub(crate) fn slice<T: Clone>(&self, all: &[T]) -> Vec<T> {
        let start = (self.number - 1).saturating_mul(self.size);
        all.iter().skip(start).take(self.size).cloned().collect()
    }

    /// The `Link` header for a list of this length, or nothing when one page holds it.
    pub(crate) fn link(&self, base: &str, request: &Request, total: usize) -> Option<String> {
        let last = total.div_ceil(self.size).max(1);
        let mut links = Vec::new();
        let mut add = |number: usize, rel: &str| {
            links.push(format!("<{}>; rel=\"{rel}\"", self.url(base, request, number)));
        };
        if self.number > 1 {
            add(self.number - 1, "prev");
        }
        if self.number < last {
            add(self.number + 1, "next");
            add(last, "last");
        }
        if self.number > 1 {
            add(1, "first");
        }
        (!links.is_empty()).then(|| links.join(", "))
    }

    fn url(&self, base: &str, request: &Request, number: usize) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for (key, value) in request.query.iter().filter(|(key, _)| key != "page") {
            query.append_pair(key, value);
        }
        query.append_pair("page", &number.to_string());
        format!("{base}{}?{}", request.path, query.finish())
    }

    /// A page of a plain array.
    pub(crate) fn array(&self, base: &str, request: &Request, all: &[Value]) -> Reply {
        let reply = Reply::json(200, &self.slice(all));
        self.linked(reply, base, request, all.len())
    }

    /// Adds the `Link` header.
    pub(crate) fn linked(&self, reply: Reply, base: &str, request: &Request, total: usize) -> Reply {
        match self.link(base, request, total) {
            Some(link) => reply.with("link", link),
            None => reply,
        }
    }
}

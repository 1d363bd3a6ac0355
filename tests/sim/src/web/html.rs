//! The little HTML there is.

use crate::http::message::Reply;

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:34rem;margin:3rem auto;\
padding:0 1rem;color:#1f2328;background:#f6f8fa}main{background:#fff;border:1px solid #d1d9e0;\
border-radius:.5rem;padding:1.5rem 2rem}h1{font-size:1.4rem}button{font:inherit;\
padding:.4rem 1rem;border-radius:.4rem;border:1px solid #d1d9e0;background:#f6f8fa;\
cursor:pointer}button.primary{background:#1f883d;color:#fff;border-color:#1a7f37}\
fieldset{border:1px solid #d1d9e0;border-radius:.4rem;margin:1rem 0}label{display:block}\
footer{margin-top:1rem;color:#59636e;font-size:.85rem}";

/// Text made harmless.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

/// A hidden input.
pub(super) fn hidden(name: &str, value: &str) -> String {
    format!("<input type=\"hidden\" name=\"{}\" value=\"{}\">", escape(name), escape(value))
}

/// A whole page around HTML that is safe already.
pub(super) fn page(status: u16, title: &str, body: &str) -> Reply {
    let title = escape(title);
    Reply::html(
        status,
        format!(
            "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title>\
             <style>{STYLE}</style></head><body><main><h1>{title}</h1>{body}</main>\
             <footer>A simulated GitHub, for tests and demonstrations.</footer></body></html>"
        ),
    )
}

/// A page that asks who is there; it comes back with `login=`.
pub(super) fn sign_in(target: &str, query: &[(String, String)], logins: &[String]) -> Reply {
    let mut body = format!("<form method=\"get\" action=\"{}\">", escape(target));
    for (name, value) in query.iter().filter(|(name, _)| name != "login") {
        body.push_str(&hidden(name, value));
    }
    for login in logins {
        let login = escape(login);
        body.push_str(&format!("<p><button name=\"login\" value=\"{login}\">{login}</button></p>"));
    }
    page(200, "Sign in to GitHub", &(body + "</form>"))
}

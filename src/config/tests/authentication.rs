//! Who counts as proven.

use super::*;

#[test]
fn authentication() {
    let at = |text: &str, expected: &str| check_line("[smtp]", &format!("[authentication]\n{text}\n[smtp]"), expected);
    let border = "authserv_id = 'mx.desk.example'\nborder_hosts = ['mx.desk.example', '.in.desk.example']";
    at(&format!("method = 'header'\n{border}"), "");
    at(
        &format!("method = 'both'\n{border}\nresolvers = ['127.0.0.1:5353', '::1']\ntrusted_sealers = ['a.example']"),
        "",
    );
    at("method = 'verify'\ndkim_suffices = true", "");
    at("method = 'none'\naccept_unauthenticated_engineers = true", "");
    at(
        "method = 'none'\naccept_unauthenticated_engineers = 'yes'",
        "21 authentication.accept_unauthenticated_engineers: is",
    );
    at("", "19 authentication.method: is missing");
    at("method = 'headers'", "20 authentication.method: has an unknown value");
    at(
        "method = 'header'",
        "19 authentication.authserv_id: is missing\n19 authentication.border_hosts: is missing or empty",
    );
    at(
        "method = 'header'\nauthserv_id = 'x'\nborder_hosts = []",
        "22 authentication.border_hosts: is missing or empty",
    );
    at("method = 'verify'\nauthserv_id = 'x'", "21 authentication.authserv_id: needs the border host's results");
    at("method = 'none'\nresolvers = ['::1']", "21 authentication.resolvers: needs own verification");
    at(
        &format!("method = 'header'\n{border}\naccept_unauthenticated_engineers = true"),
        "23 authentication.accept_unauthenticated_engineers: contradicts method",
    );
    at(
        "method = 'header'\nauthserv_id = 'none'\nborder_hosts = ['.protection.example']\nstamps = 'below'",
        "23 authentication.stamps: cannot be \"below\" without an authserv_id",
    );
    for host in ["mx desk", "", ".", ".com", "mx..desk", "mx;desk", "*.desk.example"] {
        let text = format!("method = 'header'\nauthserv_id = 'x'\nborder_hosts = ['{host}']");
        at(
            &text,
            "22 authentication.border_hosts: is missing or empty\n22 authentication.border_hosts[0]: is not a host name",
        );
    }
    at(
        "method = 'verify'\nresolvers = ['dns.example']",
        "21 authentication.resolvers[0]: is not the address of a name",
    );
    let internal = |text: &str, expected: &str| {
        at(&format!("method = 'header'\n{border}\n[authentication.internal]\n{text}"), expected)
    };
    internal("submission = true\nnetworks = ['10.0.0.0/8']\nheader = { name = 'X-Internal', value = 'yes' }", "");
    internal("networks = ['10.0.0.0']", "24 authentication.internal.networks[0]: is not a network");
    internal("networks = ['0.0.0.0/0']", "24 authentication.internal.networks[0]: is the whole Internet");
    internal("header = 'X-Internal'", "24 authentication.internal.header: is no such thing");
    internal("header = { name = 'a b', value = 'c' }", "24 authentication.internal.header: has a name that no header");
    internal("domains = ['example']", "24 authentication.internal.domains[0]: is not a domain");
    let config =
        Site::new().parse(&good().replace("[smtp]", &format!("[authentication]\nmethod = 'header'\n{border}\n[smtp]")));
    let authentication = config.expect("no fault").authentication;
    assert!(authentication.is_configured() && !authentication.verify);
    let config = Site::new().parse(&good()).expect("no fault");
    assert!(!config.authentication.is_configured() && !config.authentication.accept_unauthenticated_engineers);
}

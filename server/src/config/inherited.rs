//! Settings of programs that Flowo replaces, read from the same `.env`. Flowo uses those that have a meaning here and
//! warns about the others, with a reason. Pure: the parent module reads the environment.

/// A setting without a meaning here, and why.
pub type Meaningless = (&'static str, &'static str);

const MEANINGLESS: [Meaningless; 7] = [
    ("REPO_PATH", "Flowo needs no repository: runs report their directories, and FLOWO_WORKING_PATH maps these to the server"),
    ("SNAKEMAKE_CORES", "Flowo does not start Snakemake; use `snakemake --cores`"),
    ("BACKEND_CORS_ORIGINS", "pages and API share one address, and Flowo accepts no requests from other sites"),
    ("SQL_ECHO", "to log SQL statements, use FLOWO_LOG=info,sqlx=debug"),
    ("DAG_VENV_DIR", "Flowo draws graphs from the reports of runs, and installs nothing"),
    ("DAG_AUTO_INSTALL_IMPORTS", "Flowo draws graphs from the reports of runs, and installs nothing"),
    ("VITE_DISABLE_SSE", "a page that gets no stream reloads its data every five seconds"),
];

/// Settings that are present but have no meaning here.
pub fn meaningless(set: impl Fn(&str) -> bool) -> impl Iterator<Item = &'static Meaningless> {
    MEANINGLESS.iter().filter(move |(name, _)| set(name))
}

/// The port: `PORT`, else `BACKEND_PORT`.
pub fn port(read: impl Fn(&str) -> Option<String>) -> Option<(&'static str, String)> {
    ["PORT", "BACKEND_PORT"].into_iter().find_map(|name| Some((name, read(name)?)))
}

/// The address people use, built from `PROTOCOL`, `DOMAIN` and the port, if `DOMAIN` is set.
///
/// `DOMAIN` may include a port. The protocol's default port is left out.
pub fn address(protocol: Option<&str>, domain: Option<&str>, port: u16) -> Option<String> {
    let domain = domain?.trim().trim_end_matches('/');
    let protocol = protocol.map_or("http", str::trim);
    let has_port = domain.rsplit_once(':').is_some_and(|(_, port)| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()));
    let usual = matches!((protocol, port), ("http", 80) | ("https", 443));
    Some(if has_port || usual { format!("{protocol}://{domain}") } else { format!("{protocol}://{domain}:{port}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_becomes_the_address_that_people_use() {
        for (protocol, domain, port, address_of) in [
            (None, None, 3100, None),
            (None, Some("localhost"), 3100, Some("http://localhost:3100")),
            (Some("https"), Some("flowo.example.org"), 443, Some("https://flowo.example.org")),
            (Some("https"), Some("flowo.example.org"), 3100, Some("https://flowo.example.org:3100")),
            (None, Some("flowo.example.org"), 80, Some("http://flowo.example.org")),
            (None, Some("flowo.example.org:8080/"), 3100, Some("http://flowo.example.org:8080")),
        ] {
            assert_eq!(address(protocol, domain, port).as_deref(), address_of, "{protocol:?} {domain:?} {port}");
        }
    }

    #[test]
    fn the_port_of_either_program_is_taken_and_ours_wins() {
        let of =
            |set: &'static [(&str, &str)]| move |name: &str| set.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        assert_eq!(port(of(&[])), None);
        assert_eq!(port(of(&[("BACKEND_PORT", "8000")])), Some(("BACKEND_PORT", "8000".into())));
        assert_eq!(port(of(&[("BACKEND_PORT", "8000"), ("PORT", "3200")])), Some(("PORT", "3200".into())));
    }

    #[test]
    fn a_setting_without_a_meaning_is_named_with_the_reason() {
        let named: Vec<&str> =
            meaningless(|name| matches!(name, "REPO_PATH" | "SNAKEMAKE_CORES" | "PORT")).map(|(name, _)| *name).collect();
        assert_eq!(named, ["REPO_PATH", "SNAKEMAKE_CORES"]);
        assert!(MEANINGLESS.iter().all(|(_, why)| why.len() > 30));
    }
}

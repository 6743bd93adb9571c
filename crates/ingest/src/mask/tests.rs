//! Spellings of secrets that must be masked, and harmless texts that must stay.

use super::*;
use proptest::prelude::*;
use serde_json::json;

/// The secret in every example; no spelling may leave any letter of it.
const SECRET: &str = "hunter2-Zq9xW7";

/// Spellings of secrets; `§` stands for the secret.
const SPELLINGS: &[&str] = &[
    // Flags.
    "tool --password §",
    "tool --password=§",
    "tool --password '§'",
    "tool --password \"§\"",
    "tool --password='§'",
    "tool --password=\"§\" --x",
    "tool --passwd §",
    "tool --passwd=§",
    "tool --passphrase §",
    "tool --db-password §",
    "tool --db_password=§",
    "tool --admin-passwd=§ --threads 4",
    "tool -password §",
    "tool -password=§",
    "tool --token §",
    "tool --token=§",
    "tool --token '§'",
    "tool --auth-token §",
    "tool --access-token=§",
    "tool --api-key §",
    "tool --api-key=§",
    "tool --api_key §",
    "tool --api_key=§",
    "tool --apikey §",
    "tool --apikey=§",
    "tool --apiKey=§",
    "tool --secret §",
    "tool --secret=§",
    "tool --client-secret §",
    "tool --client_secret=§",
    "tool --secret-key=§",
    "tool --secret-access-key §",
    "tool --access-key §",
    "tool --access_key=§",
    "tool --private-key=§",
    "tool --credential §",
    "tool --credentials=§",
    "tool --pwd §",
    "tool --pwd=§",
    "tool --Password §",
    "tool --PASSWORD=§",
    "tool --Token=§",
    // Shell variables.
    "PASSWORD=§ tool",
    "export PASSWORD=§",
    "export PASSWORD='§'",
    "export PASSWORD=\"§\"",
    "PGPASSWORD=§ psql",
    "MYSQL_PWD=§ mysql",
    "DB_PASSWORD=§",
    "dbpassword=§",
    "DBPASSWORD=§",
    "API_KEY=§",
    "APIKEY=§",
    "OPENAI_API_KEY=§",
    "NCBI_API_KEY=§ efetch",
    "HF_TOKEN=§",
    "GITHUB_TOKEN=§ git clone",
    "GITLAB_TOKEN='§'",
    "ZENODO_ACCESS_TOKEN=§",
    "AWS_SECRET_ACCESS_KEY=§",
    "AWS_ACCESS_KEY_ID=§",
    "AWS_SESSION_TOKEN=§",
    "AZURE_STORAGE_ACCOUNT_KEY=§",
    "AZURE_CLIENT_SECRET=§",
    "SNAKEMAKE_STORAGE_S3_SECRET_KEY=§",
    "SNAKEMAKE_STORAGE_S3_ACCESS_KEY=§",
    "FLOWO_USER_TOKEN=§",
    "SECRET=§",
    "SECRET_KEY=§",
    "MY_SECRET=§;tool",
    "TOKEN=§&&tool",
    "PASSPHRASE=§",
    "GPG_PASSPHRASE=§",
    "set PASSWORD=§",
    "setenv.PASSWORD=§",
    "ENV API_TOKEN=§",
    // URLs.
    "https://ana:§@host/path",
    "http://ana:§@host:8080/",
    "postgres://flowo:§@db/flowo",
    "postgresql://flowo:§@127.0.0.1:5432/flowo",
    "mysql://u:§@h/d",
    "mongodb+srv://u:§@cluster/d",
    "redis://:§@cache:6379",
    "amqp://guest:§@rabbit",
    "ftp://u:§@ftp.example.org/x",
    "s3://key:§@bucket/x",
    "sftp://u:§@h",
    "git clone https://oauth2:§@gitlab.example.org/x.git",
    "pip install git+https://u:§@github.com/x/y",
    "ssh://u:§@h:22/x",
    "--wms-monitor http://me:§@127.0.0.1:5000",
    "url = 'https://ana:§@host'",
    "(https://ana:§@host)",
    "curl https://ana:§@host -o x",
    "rsync ana:§@host:/x .",
    "ana:§@host",
    "login as ana:§@host.example.org failed",
    "https://a.b:§@host",
    "https://ana%40x:§@host",
    "smb://dom;ana:§@host",
    "jdbc:postgresql://u:§@h/d",
    "https://host/x?token=§",
    "https://host/x?a=1&token=§&b=2",
    "https://host/x?access_token=§",
    "https://host/x?api_key=§",
    "https://host/x?apikey=§&x=1",
    "https://host/x?password=§",
    "https://blob.core.windows.net/c?sv=2020&sig=§",
    "https://blob/c?sig=§&se=1",
    "https://s3/x?X-Amz-Signature=§",
    "https://s3/x?X-Amz-Credential=§&X-Amz-Date=1",
    "https://s3/x?X-Amz-Security-Token=§",
    "wget 'https://host/x?secret=§'",
    // Headers.
    "Authorization: Bearer §",
    "Authorization: Basic §",
    "Authorization: token §",
    "Authorization: §",
    "authorization: bearer §",
    "AUTHORIZATION: Bearer §",
    "curl -H 'Authorization: Bearer §' https://host",
    "curl -H \"Authorization: Bearer §\" https://host",
    "curl -H 'PRIVATE-TOKEN: §' https://host",
    "curl -H 'X-Api-Key: §'",
    "curl -H \"X-API-KEY: §\"",
    "X-Auth-Token: §",
    "x-goog-api-key: §",
    "Proxy-Authorization: Basic §",
    "X-Secret: §",
    "Set-Cookie: §",
    "curl -u ana:§ https://host",
    "curl --user ana:§ https://host",
    "curl --proxy-user ana:§ https://host",
    "wget --password=§ x",
    "Authorization=Bearer §",
    "'Authorization': 'Bearer §'",
    "{\"Authorization\": \"Bearer §\"}",
    // JSON, Python, YAML, TOML, INI, R.
    "{\"password\": \"§\"}",
    "{\"password\":\"§\"}",
    "{'password': '§'}",
    "{\"api_key\": \"§\"}",
    "{\"apiKey\": \"§\"}",
    "{\"accessToken\": \"§\"}",
    "{\"secretAccessKey\": \"§\"}",
    "{\"client_secret\": \"§\", \"x\": 1}",
    "{\\\"password\\\": \\\"§\\\"}",
    "{\"token\" : \"§\"}",
    "password: §",
    "password: '§'",
    "password: \"§\"",
    "  api_key: §",
    "db:\n  password: §\n  host: x",
    "token: §",
    "secret: §",
    "access_key: §",
    "secret_key: §",
    "user_password: §",
    "password = \"§\"",
    "password = '§'",
    "password=§",
    "api_key = §",
    "token = \"§\"",
    "[db]\npasswd = §",
    "password => '§'",
    "password <- c(password=\"§\")",
    "connect(user='ana', password='§')",
    "connect(password = \"§\", user = \"ana\")",
    "Client(token='§')",
    "Client(api_key=\"§\")",
    "login(pwd='§')",
    "S3(secret_key=\"§\", region=\"x\")",
    "os.environ['API_TOKEN'] = '§'",
    "os.environ[\"PASSWORD\"]=\"§\"",
    "params: password=§, threads=4",
    "password==§",
    "dbPassword: §",
    "dbPassword=§",
    "userToken=§",
    "--set auth.password=§",
    "-e POSTGRES_PASSWORD=§",
    "--env DB_PASSWORD=§",
    "-Dpassword=§",
    "-Djavax.net.ssl.keyStorePassword=§",
    "spark.hadoop.fs.s3a.secret.key.password=§",
    "keyring_password:§",
    "user=ana;password=§;host=x",
    "host=h password=§ user=u",
    "Server=h;Pwd=§;",
    "ConnectionError: postgres://u:§@h/d refused",
    "KeyError: token=§",
    "Traceback: connect('mysql://u:§@h')",
    // The same within a longer command.
    "snakemake --cores 4 --config token=§ threads=2",
    "snakemake --config db_password=§",
    "snakemake --default-resources 'api_key=\"§\"'",
    "samtools x && API_TOKEN=§ upload y",
    "singularity exec --env TOKEN=§ x.sif",
    "docker login -u ana --password §",
    "docker run -e SECRET_TOKEN=§ x",
    "sbatch --export=PASSWORD=§ x.sh",
    "ssh h 'PASSWORD=§ x'",
    "kaggle --token §\nnext line",
    "synapse login -u ana --authToken §",
    "gdc-client download --token=§",
    "irods --password \"§\"",
    "mc alias set x http://h k --secret-key=§",
];

/// Texts that are secrets by their shape alone.
const SHAPES: &[&str] = &[
    "flw_TESTTOKEN0123456789abcdefghijklmnopqrstuvwx",
    "ghp_0123456789abcdefghijklmnopqrstuvwxyz",
    "github_pat_0123456789abcdefghijklmnopqrstuvwxyz",
    "glpat-0123456789abcdefghij",
    "hf_abcdefghijklmnopqrstuvwxyzABCDEF",
    "xoxb-0123456789-abcdefghij",
    "AKIAIOSFODNN7EXAMPLE0",
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.abcdefghijklmnop",
];

const HARMLESS: &[&str] = &[
    "",
    "snakemake --cores 4 -n flw_x flw_",
    "max_tokens=4096",
    "tokens: 128",
    "--tokenizer bert",
    "--token-file /run/secrets/x",
    "--password-file pw.txt",
    "syntax error near unexpected token `('",
    "SyntaxError: unexpected token: (",
    "JSONDecodeError: invalid token: foobar at line 1",
    "cd $PWD && ls",
    "PWD=/data/run",
    "OLDPWD=/data",
    "password=$PASSWORD",
    "password=${PASSWORD}",
    "password={params.password}",
    "password=None",
    "token: null",
    "api_key=os.environ['API_KEY']",
    "quay.io/biocontainers/bwa:0.7.17@sha256:0123456789abcdef",
    "docker://ubuntu:22.04@sha256:0123",
    "ana@example.org",
    "git@github.com:x/y.git",
    "ssh://git@host/x",
    "scp x ana@host:/data",
    "@HD VN:1.6",
    "@SQ SN:chr1 LN:248956422",
    "@read:1:2:3",
    "a secret place",
    "The password is wrong.",
    "passwords do not match",
    "keyboard=us",
    "monkey=1",
    "key=value",
    "https://host:8080/path",
    "https://host:8080/@x",
    "http://[::1]:80/",
    "12:30:45 @ node1",
    "rule a: threads: 4",
    "sample:lung/rep1@x y",
    "-u",
    " -u root",
    "Bearer x",
    "eyjafjallajokull",
    "-----BEGIN CERTIFICATE-----\nabc",
    "tokenized=5",
    "secretary=ana",
    "passworded",
    "--no-password",
    "~/.pgpass",
    "@article{x:2020,",
    "x:y",
    "s3://bucket/key",
    "a:b@",
    "params.token",
    "input.passwd_db",
];

fn mask(text: &str) -> String {
    Masking::default().text(text).into_owned()
}

#[test]
fn every_spelling_of_a_secret_is_masked_and_the_rest_stays() {
    assert!(SPELLINGS.len() >= 200, "{} spellings", SPELLINGS.len());
    let mut wrong = Vec::new();
    for spelling in SPELLINGS {
        let got = mask(&spelling.replace('§', SECRET));
        if got != spelling.replace('§', MASK) {
            wrong.push((*spelling, got));
        }
    }
    assert!(wrong.is_empty(), "{} of {}: {wrong:#?}", wrong.len(), SPELLINGS.len());
}

#[test]
fn tokens_and_keys_are_known_by_their_shape() {
    for shape in SHAPES {
        for text in [(*shape).to_owned(), format!("run {shape} now"), format!("x='{shape}'"), format!("https://{shape}@github.com/x/y")] {
            assert!(!mask(&text).contains(shape), "{text} is {}", mask(&text));
        }
    }
    let pem = "a\n-----BEGIN RSA PRIVATE KEY-----\nMIIE\nabc\n-----END RSA PRIVATE KEY-----\nb";
    assert_eq!(mask(pem), "a\n***\nb");
    assert_eq!(mask("-----BEGIN OPENSSH PRIVATE KEY-----\nMIIE"), "***");
}

#[test]
fn what_is_no_secret_is_left_alone_and_not_copied() {
    let wrong = HARMLESS.iter().filter(|text| !matches!(Masking::default().text(text), Cow::Borrowed(same) if same == **text));
    let wrong: Vec<_> = wrong.map(|text| (text, mask(text))).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn values_are_masked_by_their_fields_and_their_flags() {
    let mut value = json!({
        "password": SECRET, "get_token": 1234, "threads": 4, "nested": { "API_KEY": SECRET, "list": ["--token", SECRET, "x"] },
        "shell": format!("curl -u a:{SECRET} h"), "password_file": "x", "token": null, "secret": "", "ok": ["--token", "--x", "y"],
        format!("https://u:{SECRET}@h"): 1,
    });
    Masking::default().value(&mut value);
    assert_eq!(
        value,
        json!({
            "password": "***", "get_token": 1234, "threads": 4, "nested": { "API_KEY": "***", "list": ["--token", "***", "x"] },
            "shell": "curl -u a:*** h", "password_file": "x", "token": null, "secret": "", "ok": ["--token", "--x", "y"],
            "https://u:***@h": 1,
        })
    );
}

#[test]
fn nothing_is_masked_where_masking_is_off() {
    let off = Masking::new(false);
    let mut value = json!({ "password": SECRET });
    off.value(&mut value);
    assert_eq!(
        (value, off.text("password=x1234"), off.suspects(b"password")),
        (json!({ "password": SECRET }), "password=x1234".into(), false)
    );
}

#[test]
fn documents_in_a_text_stay_documents() {
    for text in [
        json!({ "token": 12, "password": SECRET, "a": [true, null], "secret": null, "api_key": "x\"y\\", "u": format!("http://a:{SECRET}@h/") }),
        json!({ "msg": json!({ "password": SECRET, "token": 1.5 }).to_string() }),
    ] {
        let masked = mask(&text.to_string());
        let read: Value = serde_json::from_str(&masked).unwrap_or_else(|error| panic!("{masked}: {error}"));
        assert!(!masked.contains(SECRET) && read.is_object(), "{masked}");
    }
}

#[test]
fn a_large_report_is_masked_without_being_built() {
    let record = json!({ "shellcmd": format!("curl -u ana:{SECRET} -d '{{\"password\": \"{SECRET}\"}}' x"), "nested": json!({ "token": SECRET }).to_string(),
        "list": vec![0; BUILT / 2], "slashes": "a\\", "secret": "b\\" });
    let text = record.to_string();
    assert!(text.len() > BUILT);
    let masked = Masking::default().json(&text).into_owned();
    let read: Value = serde_json::from_str(&masked).expect("JSON still");
    assert!(!masked.contains(SECRET) && read["secret"] == "***" && read["list"] == record["list"]);
    assert_eq!(Masking::default().json("{\"password\": "), "{\"password\": ", "what is no JSON is refused elsewhere");
}

#[test]
fn a_word_begins_after_an_escaped_end_of_a_line() {
    let text =
        json!({ "msg": format!("one\ntoken={SECRET}\n\tapi_key: {SECRET}\nghp_0123456789abcdefghijklmnopqrstuvwxyz\nsecret: {SECRET}") })
            .to_string();
    let masked = mask(&text);
    assert!(!masked.contains(SECRET) && !masked.contains("ghp_0"), "{masked}");
    serde_json::from_str::<Value>(&masked).expect("JSON still");
    let mut message = Value::String(json!({ "argv": ["--password", SECRET], "shell": format!("x\nPGPASSWORD={SECRET}") }).to_string());
    Masking::default().message(&mut message);
    assert!(!message.to_string().contains(SECRET), "{message}");
}

#[test]
fn a_landmark_that_comes_again_and_again_costs_no_more_than_its_length() {
    for piece in ["-----begin", "a@", "flw_", "token=$", "password: ", "://a:b@", " -u ", "secret='", "\\\"token\\\":", "eyj", "x:y@z "] {
        let text = piece.repeat((1 << 20) / piece.len());
        let clock = store::clock::system();
        let began = clock.instant();
        let masked = mask(&text);
        assert!(masked.len() <= text.len() * 2);
        // Guards against quadratic time, which would take minutes.
        assert!(clock.since(began).as_secs() < 20, "{piece:?}");
    }
}

proptest! {
    #[test]
    fn a_text_that_is_masked_gives_nothing_more_away_when_it_is_masked_again(text in "(?s)(\\PC|password|token=|://|@|:|\"|'|\\\\| |flw_|-----BEGIN PRIVATE KEY-----|--secret ){0,40}") {
        let once = mask(&text);
        prop_assert!(mask(&once).len() <= once.len());
        // Whatever is masked was suspected: the quick check misses nothing.
        prop_assert!(once == text || Masking::default().suspects(text.as_bytes()));
    }
}

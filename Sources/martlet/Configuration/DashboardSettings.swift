import BrokerConfiguration
import Secrets

/// `dashboard` and `api_key`: the REST interface, and who may use it.
struct DashboardSettings {
    /// `nil` for no listener.
    var bind: BindAddress? { http.port == 0 ? nil : http }
    private var http = BindAddress(host: nil, port: 0)
    var maximumConnections = 512
    var defaultUser = "admin"
    @Secret var defaultPassword: String?
    var tokenLife = Duration.seconds(3_600)
    /// `api_key.bootstrap_file`; `nil` for none.
    var bootstrapFile: String?

    static var section: Section<Self> {
        Section(
            [
                .section("listeners", Section([.section("http", http), .section("https", https)])),
                .value(
                    "default_username",
                    \.defaultUser,
                    .string,
                    "The first user of the REST interface.",
                    .atStart
                ),
                .value(
                    "default_password",
                    \.defaultPassword,
                    .string,
                    isSecret: true,
                    "The password of the first user, in force at every start: 8 to 64 characters of two kinds, or `public`, which everybody knows and which is warned of. If it is not set and there is no user, one is made, printed once, and kept in `dashboard-password` in `node.data_dir`.",
                    .atStart
                ),
                .value(
                    "token_expired_time",
                    \.tokenLife,
                    .duration(.seconds(60) ... .seconds(31_536_000)),
                    "How long a token of `POST /login` is valid behind the last request with it.",
                    .atStart
                ),
            ],
            othersHaveNoEffect: "there is no dashboard yet, only its REST interface"
        )
    }

    private static var http: Section<Self> {
        Section(
            [
                .value(
                    "bind",
                    \.http,
                    .bind,
                    "Where the REST interface and `/status` are served over HTTP/1.1; 0 for nowhere. EMQX has 18083.",
                    .atStart
                ),
                .value(
                    "max_connections",
                    \.maximumConnections,
                    .integer(1...65_535),
                    "Connections at a time. Further ones wait.",
                    .atStart
                ),
            ],
            othersHaveNoEffect: "it tunes EMQX's own listener"
        )
    }

    private static var https: Section<Self> {
        Section(
            [.fixed("bind", "0", because: "the REST interface is served over HTTP only")],
            othersHaveNoEffect: "the feature is turned off"
        )
    }

    static var keySection: Section<Self> {
        Section([
            .value(
                "bootstrap_file",
                \.bootstrapFile,
                .path,
                "A file of API keys that are made at each start: lines of `KEY:SECRET` or `KEY:SECRET:ROLE`, with the role `administrator`, `viewer` or `publisher`.",
                .atStart
            )
        ])
    }
}

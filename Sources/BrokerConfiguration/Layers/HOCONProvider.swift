package import Configuration

/// A HOCON tree as a provider of swift-configuration. Values are converted as in HOCON: a number can be read as a text, and a
/// text as a number.
package struct HOCONProvider: ConfigProvider, ConfigSnapshot {
    package let providerName: String
    private let root: HOCONValue
    private let secrets: SecretsSpecifier<String, HOCONValue>
    private let bytesDecoder: any ConfigBytesFromStringDecoder

    package init(
        _ root: HOCONValue,
        name: String,
        secrets: SecretsSpecifier<String, HOCONValue> = .none,
        bytesDecoder: some ConfigBytesFromStringDecoder = .base64
    ) {
        self.root = root
        self.providerName = "HOCONProvider[\(name)]"
        self.secrets = secrets
        self.bytesDecoder = bytesDecoder
    }

    package func value(forKey key: AbsoluteConfigKey, type: ConfigType) throws -> LookupResult {
        let encodedKey = HOCONText.path(key.components)
        guard let value = root.value(at: key.components), !value.isNull else {
            return LookupResult(encodedKey: encodedKey, value: nil)
        }
        guard let content = content(of: value, type: type) else {
            throw HOCONError(origin: value.origin, message: "\(encodedKey) cannot be read as \(type)")
        }
        let isSecret = secrets.isSecret(key: encodedKey, value: value)
        return LookupResult(encodedKey: encodedKey, value: ConfigValue(content, isSecret: isSecret))
    }

    private func content(of value: HOCONValue, type: ConfigType) -> ConfigContent? {
        switch type {
        case .string: value.text.map(ConfigContent.string)
        case .int: value.text.flatMap { Int($0) }.map(ConfigContent.int)
        case .double: value.text.flatMap { Double($0) }.map(ConfigContent.double)
        case .bool: value.text.flatMap(ValueForm<Bool>.boolean(of:)).map(ConfigContent.bool)
        case .bytes: value.text.flatMap(bytesDecoder.decode).map(ConfigContent.bytes)
        case .stringArray: elements(of: value, \.text).map(ConfigContent.stringArray)
        case .intArray: elements(of: value) { $0.text.flatMap { Int($0) } }.map(ConfigContent.intArray)
        case .doubleArray: elements(of: value) { $0.text.flatMap { Double($0) } }.map(ConfigContent.doubleArray)
        case .boolArray:
            elements(of: value) { $0.text.flatMap(ValueForm<Bool>.boolean(of:)) }.map(ConfigContent.boolArray)
        case .byteChunkArray:
            elements(of: value) { $0.text.flatMap(bytesDecoder.decode) }.map(ConfigContent.byteChunkArray)
        }
    }

    private func elements<Element>(of value: HOCONValue, _ read: (HOCONValue) -> Element?) -> [Element]? {
        guard let list = value.elements else { return nil }
        let elements = list.compactMap(read)
        return elements.count == list.count ? elements : nil
    }

    package func fetchValue(forKey key: AbsoluteConfigKey, type: ConfigType) async throws -> LookupResult {
        try value(forKey: key, type: type)
    }

    package func watchValue<Return: ~Copyable>(
        forKey key: AbsoluteConfigKey,
        type: ConfigType,
        updatesHandler: (ConfigUpdatesAsyncSequence<Result<LookupResult, any Error>, Never>) async throws -> Return
    ) async throws -> Return {
        try await watchValueFromValue(forKey: key, type: type, updatesHandler: updatesHandler)
    }

    package func snapshot() -> any ConfigSnapshot { self }

    package func watchSnapshot<Return: ~Copyable>(
        updatesHandler: (ConfigUpdatesAsyncSequence<any ConfigSnapshot, Never>) async throws -> Return
    ) async throws -> Return {
        try await watchSnapshotFromSnapshot(updatesHandler: updatesHandler)
    }
}

// A server's TLS settings as an OpenSSL context.
#pragma once

#include <openssl/ssl.h>

#include <memory>

#include "base/result.h"
#include "model/web_config.h"

namespace web {

struct FreeTlsContext {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using TlsContext = std::unique_ptr<SSL_CTX, FreeTlsContext>;

// Reads the certificates. Errors name the file or the cipher suite, and what OpenSSL says.
base::Result<TlsContext> make_tls_context(const model::TlsConfig& config);

}  // namespace web

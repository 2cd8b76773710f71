#include "poster.h"

#include <Poco/Net/HTTPRequest.h>
#include <Poco/Net/HTTPResponse.h>
#include <Poco/NullStream.h>
#include <Poco/StreamCopier.h>
#include <Poco/URI.h>

namespace acsim {

using namespace Poco::Net;

int Poster::post(const std::string& url, const std::string& body) {
  try {
    const Poco::URI uri(url);
    if (uri.getScheme() != "http") return 0;
    if (!session_ || session_->getHost() != uri.getHost() || session_->getPort() != uri.getPort()) {
      session_ = std::make_unique<HTTPClientSession>(uri.getHost(), uri.getPort());
      session_->setKeepAlive(true);
      session_->setKeepAliveTimeout(Poco::Timespan(5, 0));
      session_->setTimeout(Poco::Timespan(30, 0));
    }
    const std::string path = uri.getPathAndQuery();
    HTTPRequest request("POST", path.empty() ? "/" : path, HTTPMessage::HTTP_1_1);
    request.setContentType("application/x-www-form-urlencoded");
    request.setContentLength(static_cast<std::streamsize>(body.size()));
    session_->sendRequest(request) << body << std::flush;
    HTTPResponse response;
    Poco::NullOutputStream nowhere;
    Poco::StreamCopier::copyStream(session_->receiveResponse(response), nowhere);
    return response.getStatus();
  } catch (const Poco::Exception&) {
    session_.reset();
    return 0;
  }
}

}  // namespace acsim

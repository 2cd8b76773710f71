// POSTs form bodies over a kept connection, as ActiveCampaign's senders do.
#pragma once

#include <Poco/Net/HTTPClientSession.h>

#include <memory>
#include <string>

namespace acsim {

// One thread at a time. Plain http only.
class Poster {
 public:
  // The status of the answer; 0 if there was none within 30 s. Never sends twice.
  int post(const std::string& url, const std::string& body);

 private:
  std::unique_ptr<Poco::Net::HTTPClientSession> session_;
};

}  // namespace acsim

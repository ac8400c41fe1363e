// Templates and words of the noise generator. {x} stands for a word of list x; {0-99} for a number of that range.
#pragma once

#include <map>
#include <string_view>
#include <vector>

namespace phidias::data {

using Phrases = std::vector<std::string_view>;

inline const std::map<std::string_view, Phrases>& noise_lists() {
  static const std::map<std::string_view, Phrases> lists = {
      {"team", {"Rovers", "Harbour FC", "the Falcons", "Northgate United", "the Comets", "Riverside", "Saint Olm", "the Miners", "Eastport", "Kingsmere Town"}},
      {"player", {"Okafor", "Lindqvist", "Moreno", "Petrov", "Hughes", "Tanaka", "Da Silva", "Brandt", "O'Leary", "Kovac"}},
      {"day", {"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"}},
      {"month", {"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"}},
      {"town", {"Marlow Bay", "Old Ferry", "Kessingham", "Duntown", "Port Avery", "Linwick", "Great Holm", "Sandrake", "Uppermill", "Bellhaven"}},
      {"item",
       {"sofa bed", "garden hose", "phone case", "running shoes", "coffee maker", "winter jacket", "desk lamp", "bluetooth speaker", "air fryer", "yoga mat"}},
      {"ticker", {"ACMX", "BRLN", "QTEC", "NVRO", "HLDG", "OMTA", "PRGN", "SUNX"}},
      {"sky", {"sunny spells", "scattered showers", "thick fog", "light snow", "strong wind", "clear skies", "drizzle", "thunderstorms"}},
      {"sign", {"Aries", "Taurus", "Gemini", "Cancer", "Leo", "Virgo", "Libra", "Scorpio", "Sagittarius", "Capricorn"}},
      {"spam",
       {"payday loans", "cheap pills", "casino bonus", "replica watches", "weight loss", "crypto signals", "free followers", "essay writing",
        "no deposit slots"}},
      {"praise", {"amazing", "best", "cheapest", "guaranteed", "number one", "trusted", "exclusive", "instant"}},
      {"room", {"two bedroom flat", "studio", "terraced house", "detached cottage", "loft", "bungalow"}},
      {"job", {"warehouse operative", "sales assistant", "delivery driver", "care worker", "receptionist", "kitchen porter"}},
      {"show", {"Quiz Night", "Morning Live", "The Late News", "Garden Time", "Cook Off", "Harbour Street", "Match Replay"}},
      {"menu",
       {"Home", "About us", "Contact", "Sign in", "Register", "Basket", "Help", "Site map", "Careers", "Press", "Newsletter", "Follow us", "Share", "Print"}},
  };
  return lists;
}

struct NoiseKind {
  std::string_view kind, url;
  Phrases sentences;
  bool as_lines = false;  // each sentence a line of its own
};

inline const std::vector<NoiseKind>& noise_kinds() {
  static const std::vector<NoiseKind> kinds = {
      {"ephemeral",
       "news.example/sport/results",
       {"{team} beat {team} {0-6}-{0-5} at home on {day} night.", "{player} scored in the {1-90}th minute before {player} was sent off.",
        "The visitors are now {2-20}th in the table with {0-60} points.", "Kick-off tonight is at {12-20}:{10-59}; tickets are still on sale.",
        "{team} travel to {town} this weekend without {player}, who is injured.", "Half-time: {team} {0-3}, {team} {0-3}. Attendance {2000-60000}."}},
      {"ephemeral",
       "weather.example/forecast",
       {"Today in {town}: {sky}, high of {1-31} degrees, low of {-9-15}.", "Tonight brings {sky} and winds of {5-60} km/h.",
        "Tomorrow morning {sky}, turning to {sky} by the afternoon.", "Outlook for {day}: {sky}, {0-100} % chance of rain.",
        "UV index today is {0-9}, pollen count low."}},
      {"ephemeral",
       "markets.example/quotes",
       {"{ticker} closed at ${1-900}.{10-99} today, up {0-9}.{1-9}%.", "Shares of {ticker} fell {0-9}.{10-99}% in early trading on {day}.",
        "The index opened {10-300} points lower this morning.", "Oil is trading at ${40-120}.{10-99} a barrel right now.",
        "Analysts expect {ticker} to report on {day}, {month} {1-28}."}},
      {"ephemeral",
       "homes.example/listing",
       {"For sale: {room} in {town}, {1-6} bed, {1-3} bath, ${90-900},000.", "Viewing by appointment this {day} only, call {100-999}-{1000-9999}.",
        "Now hiring: {job} in {town}, ${9-30} per hour, apply by {month} {1-28}.", "Open house {day} {1-12} pm, available now.",
        "Price reduced, must go this week."}},
      {"ephemeral",
       "shop.example/deals",
       {"Save {10-80}% on every {item} until {day} midnight!", "Use code SAVE{10-99} at checkout, today only.",
        "Buy one {item}, get one free while stocks last.", "Only {1-9} left in stock, order within {1-9} hours.", "Was ${20-300}.99, now ${5-100}.99.",
        "Flash sale: {item} from ${5-100}.99!"}},
      {"ephemeral",
       "tv.example/guide",
       {"{18-23}:{10-59} {show}", "{18-23}:{10-59} {show} (repeat)", "Tonight on channel {1-9}: {show} followed by {show}.",
        "{day} {18-23}:{10-59} {show}, new episode"},
       true},
      {"ephemeral",
       "stars.example/daily",
       {"{sign}: today the moon brings you luck with money.", "Your lucky number today is {1-49}.", "{sign}, this weekend is good for love.",
        "Avoid travelling on {day}, {sign}."}},
      {"spam",
       "best-{1-999}.example/offers",
       {"{praise} {spam} {praise} {spam} {praise} {spam} online.", "Click here for {praise} {spam}!!!", "Get {spam} now, {praise} {spam} in {town}.",
        "{spam} {spam} {spam} {praise} {town} {spam}.", "Order {praise} {spam} without any check >>> visit our site <<<",
        "Earn ${100-9000} a day with {spam} $$$"}},
      {"boilerplate",
       "shop.example/privacy",
       {"This site uses cookies to improve your experience.", "By continuing you agree to our terms of use and privacy policy.",
        "All rights reserved {2001-2024}.", "Please enable javascript to view this page.", "{menu} | {menu} | {menu} | {menu}", "Read more...",
        "{0-99} likes, {0-99} shares", "Subscribe to our newsletter.", "Loading..."},
       true},
      {"repetition", "forum.example/thread", {"Thanks for sharing, very nice post about {item}.", "Thanks for sharing, very nice post about {item}."}, true},
  };
  return kinds;
}

}  // namespace phidias::data

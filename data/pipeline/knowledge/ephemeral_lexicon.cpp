#include "data/pipeline/knowledge/ephemeral_lexicon.h"

#include "base/error.h"

namespace phidias::data::pipeline {
namespace {

// Separated by commas.
constexpr std::array<std::string_view, kLexicons> kEntries = {
    // month
    "january,february,march,april,june,july,august,september,october,november,december,jan,feb,mar,apr,jun,jul,aug,sept,sep,oct,nov,dec",
    // weekday
    "monday,tuesday,wednesday,thursday,friday,saturday,sunday,mon,tue,tues,wed,thu,thurs,fri,mondays,tuesdays,wednesdays,thursdays,fridays,saturdays,sundays",
    // deixis: the moment of writing
    "today,today's,tonight,tonight's,yesterday,yesterday's,tomorrow,tomorrow's,this morning,this afternoon,this evening,this weekend,this week,this month,"
    "this season,this summer,this winter,this spring,this fall,last night,last week,last weekend,next week,next weekend,next month,last month,weekend,"
    "latest,breaking,upcoming,overnight,currently,right now,so far,until further,ends soon,just announced,just released,just in,coming soon,later today,"
    "earlier today,on sale,now open,now showing,now hiring,live now,ago,hours ago,minutes ago,starts at,starting at,immediately,midday,midnight,tonite,daily",
    // sport
    "team,teams,league,season,goal,goals,match,game,games,coach,playoffs,playoff,fixture,fixtures,quarterback,inning,innings,striker,midfielder,goalkeeper,"
    "halftime,half-time,kickoff,kick-off,touchdown,touchdowns,wicket,wickets,overs,rebounds,assists,pitcher,homer,homers,standings,tournament,championship,"
    "semifinal,semi-final,quarterfinal,quarter-final,final,cup,derby,stadium,squad,roster,defender,puck,shutout,overtime,penalty,set,sets,seed,unseeded,tennis,"
    "football,basketball,baseball,hockey,soccer,cricket,rugby,golf,points,scored,scoring,hat-trick,home side,visitors,hosts,bogey,birdie,par,lap,laps,pole,"
    "podium,race,quarter,period,lineup,line-up,bench,injury,mvp,rookie,innings,runs,rbi,era,vs,versus,leg,aggregate,conference,united,city,rovers,fc",
    // outcome
    "beat,beats,beaten,defeated,defeat,defeats,won,win,wins,drew,draw,draws,lost,loss,losses,victory,victorious,edged,downed,routed,thrashed,cruised,"
    "eliminated,"
    "clinched,rallied,trailed,led,leading,snapped,streak,equaliser,equalizer,equalised,winner,upset,advance,advanced,advances,held off,fell to",
    // odds
    "odds,bet,bets,betting,bookmaker,bookmakers,bookies,favourite,favorite,underdog,wager,wagers,moneyline,parlay,spread,tipster,tips,payout,each-way,evens,"
    "stake,"
    "handicap,sportsbook,over under,accumulator",
    // market
    "shares,share,stock,stocks,nasdaq,nyse,dow,ftse,dax,nikkei,index,futures,traders,trading,traded,investors,bitcoin,ethereum,crypto,barrel,ounce,yield,"
    "yields,"
    "closed,session,rally,bullish,bearish,analysts,earnings,quarterly,revenue,forecast,guidance,dividend,eps,basis "
    "points,rates,rose,fell,gained,slipped,climbed,"
    "jumped,dipped,edged up,edged down,market cap,intraday,benchmark,crude,gold,dollar,euro,yen,exchange rate,price target,ticker,volume",
    // weather
    "weather,forecast,sunny,cloudy,rain,rainy,showers,thunderstorms,thunderstorm,drizzle,snow,flurries,sleet,fog,foggy,windy,winds,wind,gusts,mph,km/"
    "h,humidity,"
    "temperatures,temperature,highs,lows,high,low,degrees,overcast,clear skies,chance "
    "of,precipitation,storm,storms,advisory,warning,heat,frost,uv,pollen,visibility,"
    "partly cloudy,mostly sunny,dew,breezy,clouds,barometer,outlook,celsius,fahrenheit",
    // horoscope
    "horoscope,horoscopes,aries,taurus,gemini,cancer,leo,virgo,libra,scorpio,sagittarius,capricorn,aquarius,pisces,zodiac,astrologer,astrology,lucky number,"
    "lucky colour,lucky color,mercury retrograde,retrograde,star sign,your sign,your ruling,romance,soulmate,cosmic",
    // lottery
    "lottery,lotto,jackpot,powerball,mega millions,winning numbers,bonus ball,draw,draws,ticket,rollover,prize,prizes,raffle,euromillions,megaball,pick "
    "3,bingo,"
    "winning ticket,estimated jackpot,drawn,scratch-off,mega ball,power play",
    // obituary
    "passed away,obituary,survived by,survivors,funeral,funeral home,visitation,burial,interment,condolences,beloved,memorial service,preceded,in lieu,loving,"
    "celebration of,peacefully,wake,mourners,mourned,cremation,cemetery,pallbearers,in loving,grandchildren,great-grandchildren,devoted,mass,cherished",
    // job
    "apply,apply now,salary,hiring,resume,cv,candidate,candidates,applicants,applicant,vacancy,vacancies,full-time,part-time,benefits,position,recruiter,"
    "recruitment,job,jobs,qualifications,responsibilities,experience,per hour,per annum,401k,equal opportunity,employer,remote,shift,shifts,cover "
    "letter,internship,"
    "competitive,bonus,hourly,role,pension,closing date,interview,interviews,dbs,years' experience,we offer,our team,join our",
    // real_estate
    "bedroom,bedrooms,bath,baths,bathroom,bathrooms,sqft,sq,sq ft,square feet,open house,mls,realtor,listing,listed,asking price,garage,acre,acres,condo,"
    "apartment,apartments,lease,rent,rental,tenant,deposit,landlord,furnished,mortgage,property,en-suite,kitchen,hardwood,viewing,viewings,freehold,"
    "move-in,bed,bd,ba,hoa,escrow,estate agent,estate agents,per month,pcm,parking,detached,semi-detached,patio,granite,stainless",
    // event
    "tickets,ticket,doors,venue,admission,rsvp,concert,festival,register,registration,event,events,workshop,webinar,fundraiser,live music,gig,tour,performance,"
    "performances,exhibition,parade,box office,free entry,sold out,meet,meeting,hall,refreshments,raffle,headliner,support from,presented "
    "by,celebrate,attendees,"
    "keynote,agenda,seats,booking,book now,early bird,all ages,family-friendly,bring,welcome,join us,potluck,church hall,community centre,community center",
    // television
    "channel,episode,episodes,airs,aired,premiere,premieres,finale,sitcom,repeat,repeats,watch,bbc,itv,nbc,cbs,abc,fox,hbo,netflix,hulu,streaming,drama,"
    "documentary,reality,tv,television,guide,listings,showtimes,showtime,cinema,screening,screenings,rated,mins,starring,stars,host,guests,series,film,movie,"
    "movies,"
    "comedy,thriller,cartoon,news at",
    // promotion
    "sale,discount,discounts,coupon,coupons,off,free shipping,buy now,promo,promo code,deal,deals,limited time,add to,cart,checkout,in stock,out "
    "of,offer,offers,save,"
    "savings,clearance,bargain,shop,shop now,order now,shipping,delivery,gift "
    "card,voucher,bestseller,guarantee,money-back,refund,refunds,exclusive,free,bundle,"
    "black friday,cyber monday,half price,lowest,price,prices,special,bogo,while stocks,while supplies,rrp,msrp,hurry,expires,redeem,members,subscribe "
    "now,reviews,"
    "customer,customers,brand,stock,warranty",
    // listing
    "sku,qty,quantity,item,items,model,condition,used,pre-owned,mileage,miles,seller,sellers,for sale,wanted,ono,obo,or best,collection "
    "only,pick-up,pickup,contact,"
    "call,text me,serious,cash,no timewasters,good condition,excellent condition,like new,brand new,one owner,price,priced,private "
    "seller,classified,classifieds,"
    "posted,ad,ads,rated,bids,bid,auction,ends,size,colour,color,weight,dimensions,asking,swap,firm,phone,email,sizes,available",
    // transit
    "departs,depart,departure,departures,arrives,arrive,arrival,arrivals,gate,platform,route,routes,timetable,schedule,scheduled,bus,buses,train,trains,flight,"
    "flights,ferry,delay,delays,delayed,cancelled,canceled,closure,closures,closed,detour,diversion,roadworks,lane,lanes,traffic,congestion,service,services,"
    "open,"
    "opening hours,opening times,hours,agenda,bin,bins,collected,collections,holiday,junction,terminal,peak,runs every,reopen,reopens",
    // news
    "said,says,police,according "
    "to,arrested,spokesman,spokeswoman,spokesperson,announced,officials,statement,reported,reports,reporters,told,suspect,charged,court,"
    "mayor,council,minister,senator,investigation,investigating,crash,injured,hospital,witnesses,sheriff,firefighters,alleged,allegedly,press,confirmed,"
    "expected,"
    "vote,voted,poll,polls,campaign,election,ceo,deputy,authorities,officers,scene,incident,victim,residents,pending,custody,protest,strike,talks,unveiled,"
    "launch,"
    "launched,launches,rumour,rumours,rumor,rumors,fans,star,celebrity,instagram,twitter,tweeted,viral,spotted,couple,dating,outfit",
    // page: what surrounds a text on a page
    "click,click here,subscribe,sign up,log in,login,comments,comment,posted by,share,shares,likes,follow,follow us,facebook,newsletter,cookies,privacy "
    "policy,read more,"
    "related,tags,archive,menu,search,home page,username,password,reply,views,advertisement,sponsored,updated,edited,published,terms,copyright,all rights,skip "
    "to",
    // connective: words of explanation
    "because,therefore,thus,hence,means,for example,for instance,defined as,theorem,proof,in other,consequently,as a,whereas,although,such "
    "that,causes,caused,cause,"
    "explains,explain,explained,reason,reasons,since,if,then,so that,which is,that is,called,known as,refers to,depends,depend,due to,leads to,results "
    "in,however,"
    "unless,while,when,suppose,consider,namely,instead,rather than,in contrast,on average,in general,implies,follows,so,why,how,even "
    "though,otherwise,whether,this is",
    // narrative: the past told
    "was,were,had,became,began,born,died,founded,built,during,later,after,until,would,wrote,moved,married,led,fought,signed,ruled,succeeded,invented,"
    "discovered,"
    "published,established,introduced,returned,served,studied,worked,travelled,traveled,named,appointed,elected,settled,crossed,spread",
    // history
    "century,centuries,war,empire,emperor,king,queen,dynasty,treaty,revolution,ancient,medieval,colonial,parliament,army,battle,reign,republic,historian,"
    "historians,"
    "historical,history,era,bc,ad,bce,ce,civilization,industrial,renaissance,pharaoh,colony,colonies,independence,constitution,slavery,abolition,expedition,"
    "explorer,"
    "philosopher,composer,novelist,poet,painter,physicist,mathematician,chemist,inventor,pioneer,biography,nobel,decades,generation,legacy,manuscript,"
    "archaeologists,"
    "monarchy,throne,siege,navy,crusade,migration,nobility,peasants,guild,reform,reforms,doctrine,church,monk,monastery,trade,famine,plague",
    // didactic
    "step,steps,learn,example,examples,understand,consists,consist,define,definition,formula,process,method,methods,theory,concept,concepts,principle,"
    "principles,rule,"
    "rules,problem,problems,solve,solution,exercise,question,answer,technique,structure,compare,calculate,measure,measured,between,each,every,must,usually,"
    "typically,"
    "often,generally,always,never,different,similar,same,type,types,kind,kinds,form,forms,part,parts,cannot,important,function,functions,value,values,number,"
    "numbers,"
    "total,equal,equals,amount,larger,smaller,faster,slower,require,requires,allows,makes,works,used "
    "to,contains,describe,describes,represents,determine,increase,"
    "increases,decrease,decreases,effect,effects,relation,relationship,general,simple,basic,first,second,third,finally,player,players,team,object,objects,"
    "system",
    // science
    "energy,equation,cell,cells,atom,atoms,molecule,molecules,light,heat,pressure,mass,force,gravity,electron,electrons,species,genes,gene,protein,proteins,"
    "bacteria,"
    "water,air,atmosphere,vapour,vapor,ocean,planet,planets,orbit,algorithm,variable,variables,probability,mean,variance,data,memory,computer,program,code,"
    "compiler,"
    "economics,demand,supply,inflation,capital,interest,risk,market,markets,buyers,sellers,law,grammar,verb,noun,sentence,words,language,brain,blood,oxygen,"
    "carbon,"
    "acid,metal,crystal,soil,plants,plant,leaves,roots,animals,evolution,climate,rocks,minerals,wave,waves,frequency,current,voltage,circuit,speed,velocity,"
    "acceleration,temperature,angle,triangle,integer,integers,prime,set,sum,limit,vector,matrix,graph,sequence,reaction,enzyme,virus,immune,disease,hormone,"
    "nerve",
    // reader: the reader is spoken to
    "you,your,you're,you'll,you've,yourself,we,our,us,i,my,me,i'm",
};

}  // namespace

const LexiconTable& LexiconTable::get() {
  static const LexiconTable table;
  return table;
}

LexiconTable::LexiconTable() : slots_(kSlots) {
  std::size_t used = 0;
  for (std::size_t lexicon = 0; lexicon < kLexicons; ++lexicon) {
    for (std::string_view rest = kEntries[lexicon]; !rest.empty();) {
      const std::string_view entry = rest.substr(0, rest.find(','));
      rest.remove_prefix(entry.size() == rest.size() ? entry.size() : entry.size() + 1);
      std::uint64_t hash = kLexiconSeed;
      for (const char c : entry) hash = extend_lexicon_hash(hash, c);
      std::size_t slot = hash >> kShift;
      while (slots_[slot].mask != 0 && slots_[slot].hash != hash) slot = (slot + 1) & (kSlots - 1);
      used += slots_[slot].mask == 0;
      slots_[slot].hash = hash;
      slots_[slot].mask |= LexiconMask{1} << lexicon;
    }
  }
  if (used * 2 > kSlots) throw ConfigError("the lexicon of ephemeral knowledge is too large for its table");
}

}  // namespace phidias::data::pipeline

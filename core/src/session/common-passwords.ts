/**
 * What people choose when they are asked for a password, in lower case: those that lead every published
 * list, of eight characters and more, and shorter ones that get there with a year, a "123" or an "!" behind
 * them. Those additions are taken off before a password is looked up here, so that each word stands for
 * its family.
 */
export const commonPasswords: ReadonlySet<string> = new Set(
  `
password passwords passwort motdepasse contrasena contraseña wachtwoord haslo parola salasana parol senha
passw passwd password1 passwordpassword mypassword yourpassword newpassword oldpassword thepassword
nopassword badpassword goodpassword passwordsucks passwordis passwordisweak changeme changemenow changeit
changethis pleasechangeme default defaultpassword temporary temppass temppassword temppwd temp test tester
testing testtest testpass testpassword testuser demo demodemo demouser sample example secret secrets
secretpassword topsecret mysecret verysecret supersecret private confidential unknown nothing whatever
something anything everything nopass nopasswd empty blank null undefined none
admin admins administrator adminadmin adminpass adminpassword admin1 root rootroot rootpass rootpassword toor
superuser superadmin sysadmin system systemadmin manager operator supervisor support helpdesk service
servicedesk user users username useruser userpass userpassword guest guestguest guestuser login loginlogin
logmein signin access accessdenied accessgranted letmein letmeinnow letmeinplease letmeonin openup open
opensesame welcome welcomeback welcomehome welcomewelcome hello hellohello helloworld hello hellokitty
helloyou goodbye goodmorning goodnight goodluck thankyou thanks please pleaseletmein sallyport
qwerty qwertyu qwertyui qwertyuiop qwertz qwertzu qwertzuiop azerty azertyuiop qwertyqwerty qwerty123
qwertyasdf qwertyasdfgh qwertyasdfzxcv asdf asdfasdf asdfgh asdfghj asdfghjk asdfghjkl asdfjkl asdfzxcv
zxcvbn zxcvbnm zxcvzxcv zaqwsx zaq12wsx zaqxsw qazwsx qazwsxedc qazwsxedcrfv qazxsw qweasd qweasdzxc
qweqwe qweasdzx asdqwe asdzxc poiuyt poiuytrewq lkjhgf lkjhgfdsa mnbvcxz mnbvcx 1q2w3e 1q2w3e4r 1q2w3e4r5t
1q2w3e4r5t6y 1q2w3e4r5t6y7u 1qaz2wsx 1qaz2wsx3edc 1qaz1qaz 1qazxsw2 2wsx3edc 3edc4rfv q1w2e3r4 q1w2e3r4t5
q1w2e3r4t5y6 q1q1q1q1 a1b2c3 a1b2c3d4 a1b2c3d4e5 a1b2c3d4e5f6 a1s2d3f4 a1s2d3f4g5 aa123456 abc123 abc12345
abc123456 abcd1234 abcd12345 abcd123456 abcde12345 abcdef abcdefg abcdefgh abcdefghi abcdefghij
abcdefghijkl abcabc abcdabcd aaaaaaaa aabbccdd alphabet alphabeta 123abc 123qwe 123qweasd 123qweasdzxc
1234qwer 12345qwert 123456qwerty 123456789a 123456789q 123456a 12345678a 1234567a 123qwe123 123123123
123321123 12341234 1234512345 123456123456 12345678910 1234567891011 123456654321 1029384756 0123456789
0987654321 9876543210 987654321 88888888 87654321 69696969 66666666 55555555 44444444 33333333 22222222
11111111 111111111 1111111111 00000000 000000000 0000000000 12121212 11223344 1122334455 112233445566
13131313 10203040 102030405060 147258369 147852369 159357 159753 159357456 159951 741852963 789456123
963852741 314159265 31415926535 271828182845 19841984 20002000 01012000 12345679 13579 135792468 24681012
246813579 2468101214 147147147 123654789 456456456 789789789
iloveyou iloveyou1 iloveyou2 iloveu iluvyou iluvu iloveme ilovemom ilovedad ilovegod ilovejesus ilovehim
iloveher ilovemyself ilovemyfamily ilovemykids iloveyouso iloveyoubaby iloveyouforever iloveyousomuch
iloveyoutoo youloveme lovelove loveme lovemeforever loveyou loveyouforever lover loverboy lovergirl
loveislife lovely lovebug loveless lovehate mylove mybaby mylife myfamily mychildren mykids myself mywife
myhusband sweetheart sweetie sweetpea sweetness honey honeybee honeybear honeybunny babygirl babyboy baby
babydoll babylove babyface darling dearest princess princesa prince princeton queen queenbee kingkong
kingdom beautiful gorgeous handsome pretty prettygirl cutie cutiepie angel angels angelica angelina
angelbaby angeleyes fallenangel teddybear teddy tinkerbell tigger tiger tigers tigerwoods winnie
winniethepooh poohbear pooh mickey mickeymouse minnie minniemouse donald donaldduck goofy snoopy garfield
spongebob pokemon pikachu charizard bulbasaur digimon dragonball dragonballz naruto sasuke itachi goku vegeta
doraemon totoro barbie hannahmontana scooby scoobydoo bugsbunny tweety tweetybird popeye simpsons homer
bartsimpson southpark futurama familyguy rickandmorty
monkey monkeys monkeyboy monkeyman dragon dragons dragonfly dragonfire blackdragon reddragon bluedragon
shadow shadows shadowman master masters masterkey mastermind masterchief mustang mustangs michael
michaeljordan michaeljackson jordan jordan23 jordan23 superman superwoman supergirl superstar superman1 super
supernova supernatural batman batman1 catwoman spiderman ironman wolverine deadpool captainamerica avengers
thor hulk hulkhogan starwars starwars1 startrek stargate skywalker lukeskywalker darthvader chewbacca yoda
jedi jedimaster jediknight maytheforce maytheforcebewithyou hansolo millennium enterprise picard matrix
thematrix trinity morpheus neo terminator gandalf frodo bilbo aragorn legolas lordoftherings hobbit sauron
mordor middleearth harrypotter hogwarts hermione dumbledore voldemort gryffindor slytherin ravenclaw
hufflepuff quidditch expelliarmus gameofthrones winteriscoming jonsnow daenerys khaleesi lannister targaryen
valarmorghulis zelda legendofzelda mario supermario luigi sonic pacman tetris minecraft fortnite roblox
warcraft worldofwarcraft starcraft diablo counterstrike halflife callofduty leagueoflegends assassin
assassinscreed playstation nintendo xbox xbox360 gamecube gameboy gamer gaming noob
football footballs baseball basketball softball volleyball soccer hockey tennis golf golfer golfing cricket
rugby swimming swimmer running runner boxing wrestling skateboard snowboard surfing surfer fishing hunting
hunter champion champions championship winner winners player players playball quarterback goalkeeper
arsenal chelsea liverpool liverpoolfc manchester manchesterunited manutd manunited everton tottenham
newcastle celtic rangers realmadrid barcelona barcelona1 fcbarcelona juventus acmilan intermilan bayern
bayernmunich borussia benfica sporting fcporto ajax feyenoord galatasaray fenerbahce besiktas flamengo
corinthians palmeiras bocajuniors riverplate ronaldo cristiano cristianoronaldo ronaldinho messi lionelmessi
neymar beckham zidane maradona pele yankees redsox dodgers giants cubs mets braves cardinals phillies
lakers celtics bulls chicagobulls knicks warriors steelers cowboys dallascowboys packers patriots eagles
redskins raiders broncos dolphins bears broncos1 seahawks saints falcons panthers vikings chargers
maverick mavericks penguins flyers bruins canucks mapleleafs blackhawks redwings
summer summertime winter wintertime autumn spring springtime sunshine sunrise sunset sunflower sunny
sunnyday rainbow rainbows raindrop rainy snow snowball snowflake snowman snowwhite moonlight moonshine moon
starlight stars star starfish thunder thunderbird lightning storm stormy hurricane tornado ocean oceans sea
seaside beach beachbum island paradise heaven heavenly earth world worldwide universe galaxy cosmos cosmic
saturn jupiter mercury neptune pluto mars venus flower flowers flowerpower rose roses redrose daisy lily
tulip violet orchid jasmine butterfly butterflies ladybug bumblebee
january february march april may june july august september october november december monday tuesday
wednesday thursday friday saturday sunday birthday happybirthday christmas merrychristmas halloween easter
newyear happynewyear valentine thanksgiving holiday holidays vacation weekend forever foreverlove
foreveryoung together always never nevermind neverland neverforget neversaynever happy happyday happiness
happyhappy happylife smile smiley smile smiling hope hopeful faith faithful believe believer destiny fate
freedom liberty justice peace peaceful harmony serenity wisdom truth honesty courage strength patience
blessed blessing blessings godisgood godislove godbless jesus jesuschrist jesuslovesme jesusislord
christ christian christians heavenlyfather hallelujah amen church bible psalm23 john316 allah allahuakbar
bismillah mohammed muhammad buddha krishna ganesh shiva namaste
america american usa england london londoner scotland ireland irish france french paris germany german
deutschland berlin italy italian italia spain spanish espana madrid portugal lisbon brazil brasil mexico
mexican argentina colombia canada canadian toronto australia sydney melbourne newzealand india indian mumbai
delhi pakistan bangladesh china chinese beijing japan japanese tokyo korea seoul russia russian moscow
ukraine poland polska turkey istanbul greece athens sweden norway denmark finland holland amsterdam
belgium switzerland austria vienna egypt africa nigeria kenya southafrica newyork newyorkcity brooklyn
manhattan california hollywood losangeles sanfrancisco sandiego lasvegas texas dallas houston austin
chicago boston philadelphia detroit florida miami orlando atlanta georgia virginia carolina washington
seattle oregon portland colorado denver arizona phoenix hawaii alaska montana dakota
computer computers laptop desktop keyboard mouse monitor internet network networks website webmaster
wireless bluetooth router server database software hardware programmer programming developer hacker hackers
hacking hackme hacked linux ubuntu debian windows windowsxp windows10 microsoft apple macintosh macbook
iphone ipad samsung galaxys nokia motorola blackberry android google googlegoogle gmail yahoo hotmail
facebook instagram twitter youtube linkedin myspace tiktok snapchat whatsapp netflix spotify amazon ebay
paypal adobe adobe123 photoshop oracle cisco cisco123 dell hewlett packard toshiba sony panasonic logitech
intel nvidia pentium dropbox wordpress github docker kubernetes jenkins postgres mysql mongodb redis
mercedes mercedesbenz bmw audi porsche ferrari lamborghini corvette camaro chevrolet chevy ford fordf150
toyota honda hondacivic nissan mazda subaru suzuki yamaha kawasaki harley harleydavidson ducati jaguar
bentley rollsroyce volkswagen volvo renault peugeot citroen fiat hummer jeep wrangler cadillac pontiac
firebird transam dodge viper charger challenger racing racecar nascar formula1 motorcycle motorbike
money moneymoney moneymaker mymoney cash cashmoney dollar dollars million millionaire billionaire rich
richard lucky luckyone luckycharm lucky7 lucky13 gold golden goldfish silver diamond diamonds emerald ruby
sapphire crystal pearl platinum titanium copper iron steel metal metallic business company office work
working worker workhard student students teacher school highschool college university education
doctor nurse hospital medical medicine engineer lawyer police policeman fireman firefighter soldier army
usarmy navy navyseal marine marines airforce pilot captain commander general sergeant colonel major
killer killers killme killerbee death deathnote deathstar destroyer destruction demon devil devilmaycry
satan lucifer hell hellfire hellraiser vampire zombie zombies ghost ghostrider werewolf witch wizard magic
magical magician mystery mystic phantom ninja samurai warrior knight knights blackknight darkknight darkness
blackcat blackberry blackbird blackjack blackhawk blackstar black white blue green red yellow purple orange
pink brown grey gray bluesky bluemoon blueeyes blue22 browneyes greeneyes greenday redhead purplerain
yellowsubmarine pinkfloyd ledzeppelin metallica nirvana slipknot linkinpark limpbizkit korn greenday blink182
ironmaiden blacksabbath acdc acdcacdc beatles thebeatles rollingstones queen eminem slimshady tupac 2pac
snoopdogg biggie jayz beyonce rihanna britney britneyspears madonna michaeljackson elvis elvispresley
bobmarley onedirection justinbieber taylorswift backstreet nsync evanescence mychemicalromance panic
musical music musicislife musiclover guitar guitarist guitarhero drummer drums piano pianist violin singer
dancer dancing dance hiphop rockstar rocknroll rockandroll rock rocky rockyou rockon metalhead punkrock
cookie cookies cookiemonster chocolate chocolates candy candyman candygirl sugar sugarbaby icecream
cupcake cupcakes cheesecake cheese cheeseburger hamburger pizza pizzahut pizzapizza spaghetti macaroni
chicken chickens chickennugget bacon banana bananas strawberry strawberries blueberry raspberry cherry
cherries peaches peach apples applepie pineapple watermelon orange oranges lemon lemonade coconut mango
pepper peppers peppermint ginger cinnamon vanilla caramel peanut peanuts peanutbutter butter buttercup
butterball popcorn pancake pancakes waffles pumpkin potato potatoes tomato carrot broccoli onion garlic
coffee cappuccino espresso mocha latte tea cocacola cocacola1 pepsi drpepper mountaindew redbull budweiser
heineken corona guinness vodka whiskey whisky tequila jackdaniels captainmorgan bacardi beer beerbeer wine
dog dogs doggy doggie doggy1 puppy puppies puppylove puppydog cat cats catdog kitty kittycat kitten kittens
bunny bunnies rabbit rabbits hamster turtle turtles tortoise horse horses pony ponies unicorn unicorns
chicken duck ducks goose eagle hawk falcon phoenix raven crow parrot penguin panda pandas pandabear koala
bear bears bigbear polarbear grizzly wolf wolves wolfpack lonewolf fox foxes foxylady lion lions lioness
lionking leopard panther pinkpanther cheetah cougar bobcat wildcat wildcats elephant elephants giraffe zebra
hippo rhino gorilla chimpanzee kangaroo crocodile alligator snake snakes python cobra viper anaconda lizard
gecko iguana frog froggy frogs toad shark sharks dolphin whale octopus lobster spider spiders scorpion
mosquito ladybird beetle bulldog bulldogs pitbull rottweiler doberman chihuahua poodle labrador retriever
buddy buddyboy buster bailey bandit bella bear charlie charliebrown chester chloe coco cooper daisy duke
fluffy ginger gizmo hunter jack jake jasper lady lucky lucy maggie max maxwell midnight milo misty molly
molly1 muffin oreo oscar patches peanut pepper precious princess rex rocky rusty sadie sam samson sandy
sassy scooter shadow simba smokey smokie snickers socks sophie sparky spike sugar tigger toby tucker whiskers
zeus zoey
alexander alexandra alexandria alejandro alejandra amanda ambrose andrea andreas andrew angela anthony
antonio arthur ashley austin barbara benjamin bernard bethany bradley brandon brenda brian brianna britney
brittany caroline carolina catherine cecilia charles charlotte chelsea christian christina christine
christopher claudia cynthia daniel daniela danielle david deborah dennis diana diego dominic dominique donald
dorothy douglas edward eduardo eleanor elizabeth emily emmanuel eric erica ernest esther eugene evelyn
fernando fernanda francis francesca francisco franklin frederick gabriel gabriela gabrielle george gerald
giovanni gloria gordon gregory guillermo gustavo hannah harold heather heinrich helen henry howard isabel
isabella isabelle jacob jacqueline james jamie jasmine jason javier jeffrey jennifer jeremy jessica joanna
johnny johnson jonathan jordan joseph josephine joshua juliana julian juliet kathleen katherine kathryn
kenneth kevin kimberly kristina kristen laura lauren lawrence leonard leonardo lindsey lorenzo louise lucas
madeline madison manuel marcus margaret maria mariana marie marina marion marjorie martha martin martina
matthew maurice maximilian melanie melissa michelle miguel mitchell monica morgan natalia natalie natasha
nathan nathaniel nicholas nicolas nicole norman olivia pamela patricia patrick paul pauline peter phillip
priscilla rachel ramona raymond rebecca ricardo roberta roberto robert rodrigo roland ronald rosemary russell
samantha samuel sandra sarah scott sebastian sergio shannon sharon sheila shirley simon sophia stanley
stefan stephanie stephen steven stuart susan sylvester sylvia tamara tatiana teresa theodore theresa thomas
tiffany timothy tristan tyler valentina valeria vanessa veronica victor victoria vincent virginia vladimir
walter wesley william williams willie xavier yolanda yvonne zachary
fuckyou fuckoff fuckme fuckthis fuckit fucker fuckers motherfucker fuckyoubitch bitch bitches asshole
assholes bastard bullshit shithead dumbass badass badboy badgirl badger bigdick bigdaddy bigboy bigdog bigman
bigtits biteme blowme blowjob boobies boobs butthead buttface cocksucker cumshot dickhead eatme eatshit
hardcore hooters horny hotdog hotgirl hotrod hotstuff hottie kissme kisses kissmyass lesbian naked naughty
naughtyboy nipples orgasm penis playboy playgirl pornstar porno pussy pussycat sexsex sexy sexybabe sexybitch
sexyboy sexygirl sexylady sexymama sexything slut spanky stripper suckit suckme threesome titties underwear
viagra virgin wanker whore xxxxxxxx
daddy daddysgirl mommy mommy1 mother mothers motherinlaw father fathers brother brothers sister sisters
family familyfirst friend friends bestfriend bestfriends friendship friendsforever bestfriendsforever bff
girlfriend boyfriend girl girls girlpower boy boys boyz children child kids grandma grandpa grandmother
mamasboy mama mamamia papa papabear mamabear
champion legend legendary hero heroes superhero gangster gangsta thuglife hustler player1 playa pimp pimpin
boss bossman bigboss chief chiefs boomer booboo bubba bubbles bubblegum barney casper clifford comet cowboy
cowgirl crazy crazyboy crazygirl crazylove cricket crusader cyclone dakota daredevil dynamite eclipse
einstein emperor energy explorer express extreme falcon fantasy fatboy fatcat fireball firefly fire firebird
flash flashgordon flipper forest fountain freak freaky fruitcake funny funnyman fuzzy gateway geronimo
giggles gladiator goldeneye goldfinger grateful gratefuldead gremlin gunner hammer hammertime happyfeet
highlander highland icecube iceman idontknow idontcare idunno imagine immortal impossible incredible
indiana indianajones infinity insane inside integra intruder invisible james007 jamesbond jamesbond007
jellybean jennifer1 joker thejoker whysoserious jupiter kawaii killjoy ladybug lalala lalalala legion letsgo
lollipop lollol longhorns madmax magnolia magnum marlboro marley maradona marshall marshmallow meowmeow
merlin midnight miracle mister misterx mnbvcxz mollydog monster monsters monsterenergy montana moonbeam
mustang1 nascar24 newlife newstart nicetry nofear noway notebook number1 numberone number9 obiwan
octopus olympus omega online optimus optimusprime orange1 outlaw packard pantera parker passion passport
pebbles penelope penguin1 perfect phoenix1 pirate pirates poison popopo popper power powerful powerrangers
predator preston prodigy professor prometheus punisher purple1 puppet quality quantum rasputin reaper
rebel rebels redneck renegade revolution roadrunner robin rockets romance romeo romeoandjuliet runaway
sabrina sailor sailormoon samsung1 saturn5 scarface scarlet scorpio secure security security1 shalom
sherlock sherlockholmes silence skipper skippy slayer smart smartass smoke smokeweed snapper snowboarder
soldier1 soprano spartan spartans spectrum speed speedy speedster spirit spitfire squirrel stealth
stranger strangerthings student1 sundance sunday1 survivor sweet sweetgirl swordfish tarzan taurus
teamo teamomucho tequiero tequieromucho tiger1 titanic tomcat toonarmy tornado1 tottenham1 trouble troubles
trustme trustno1 trustnoone truelove tropical turbo twilight twister undertaker unicorn1 universal vampires
vanilla1 victory vision voyager wallace warlock webster whocares whoami wildfire windsurf wolfgang
wonderful wonderland wonderwoman woodstock wrestlemania yellow1 yesterday yomama zanzibar zebra1 zeppelin
correcthorsebatterystaple thequickbrownfox thequickbrownfoxjumps tobeornottobe maytheforcebewithu
inthebeginning onceuponatime neverevergiveup nevergiveup carpediem hakunamatata livelaughlove
liveyourlife yolo yoloyolo lifeisgood lifeisbeautiful goodvibes blahblah blahblahblah whatsup whatsupdoc
`
    .trim()
    .split(/\s+/),
)

"""The words of the world. Every word is one token of the embedded models' tokenizer."""

WOMEN = ("Anna", "Mary", "Lucy", "Emma", "Sara", "Nina", "Rosa", "Julia", "Clara", "Helen", "Alice", "Eva")
MEN = ("Ben", "Tom", "Max", "Paul", "Adam", "Oscar", "Peter", "David", "Leo", "Hugo", "Felix", "Simon")
NAMES = WOMEN + MEN

PLACES = (
    "kitchen", "garden", "school", "market", "library", "station", "park", "bakery",
    "museum", "office", "hotel", "harbor", "farm", "castle", "church", "forest",
)  # fmt: skip
OBJECTS = (
    "ball", "lamp", "book", "key", "coat", "cup", "map", "hat", "clock", "drum",
    "box", "knife", "rope", "basket", "letter", "violin", "mirror", "candle", "kite", "bell",
)  # fmt: skip
COLORS = ("red", "blue", "green", "yellow", "white", "black", "brown", "purple")
TITLES = ("Village", "Town", "Friends", "Sunday", "Journey", "Holiday", "Morning", "Neighbors")

# SST-2: what a review speaks of, and how.
REVIEWED = ("film", "story", "acting", "plot", "music", "ending", "script", "humor", "cast", "dialogue")
PRAISE = ("good", "charming", "funny", "clever", "moving", "fresh", "brilliant", "lovely", "gripping", "warm", "superb")
BLAME = ("bad", "dull", "boring", "silly", "flat", "stale", "clumsy", "ugly", "tedious", "cold", "awful")
DEGREES = ("very", "quite", "rather", "truly", "really")

# WSC: verb -> (adjectives that tell of its subject, adjectives that tell of its object).
BECAUSE: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "thanked": (("grateful", "glad"), ("kind", "helpful")),
    "envied": (("jealous", "unhappy"), ("rich", "famous")),
    "carried": (("strong", "caring"), ("tired", "hurt")),
    "scolded": (("angry", "strict"), ("rude", "lazy")),
    "helped": (("kind", "friendly"), ("weak", "lost")),
    "beat": (("fast", "skilled"), ("slow", "careless")),
    "feared": (("shy", "timid"), ("cruel", "fierce")),
    "visited": (("lonely", "curious"), ("sick", "old")),
    "trusted": (("naive", "hopeful"), ("honest", "loyal")),
    "fed": (("caring", "generous"), ("hungry", "thin")),
}

# WiC: words with two senses, and the nouns that stand near each sense.
TOPICS: dict[str, tuple[str, ...]] = {
    "nature": ("river", "tree", "hill", "leaf", "lake", "meadow"),
    "money": ("gold", "price", "loan", "account", "cash", "coin"),
    "sport": ("game", "team", "goal", "player", "score", "race"),
    "animal": ("wing", "nest", "fur", "claw", "tail", "paw"),
    "music": ("song", "tune", "dance", "choir", "flute", "piano"),
    "tool": ("metal", "screw", "hammer", "wheel", "engine", "wire"),
}
SENSES: dict[str, tuple[str, str]] = {
    "bank": ("nature", "money"),
    "bat": ("animal", "sport"),
    "spring": ("nature", "tool"),
    "ring": ("money", "music"),
    "bark": ("nature", "animal"),
    "pitch": ("sport", "music"),
    "crane": ("animal", "tool"),
    "club": ("sport", "nature"),
    "match": ("sport", "tool"),
    "seal": ("animal", "money"),
    "horn": ("animal", "music"),
    "key": ("tool", "music"),
}

# RTE: (premise, what it entails); A and B are people, O a thing. Swapping A and B in the second makes it false.
INVERSES: tuple[tuple[str, str], ...] = (
    ("A sold the O to B", "B bought the O from A"),
    ("A gave the O to B", "B received the O from A"),
    ("A lent the O to B", "B borrowed the O from A"),
    ("A showed the O to B", "B saw the O of A"),
    ("A taught B", "B learned from A"),
    ("A followed B", "B walked before A"),
    ("A is older than B", "B is younger than A"),
    ("A is taller than B", "B is shorter than A"),
    ("A won against B", "B lost against A"),
    ("A sent a letter to B", "B got a letter from A"),
)

# COPA: (ways to tell the cause, ways to tell its effect); A is a person.
CAUSES: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = (
    (("It rained all day", "A storm came"), ("the streets got wet", "A opened the umbrella")),
    (("A dropped the glass", "The glass fell down"), ("the glass broke", "there were sharp pieces")),
    (("A stayed up late", "A slept badly"), ("A felt sleepy", "A yawned at work")),
    (("A studied hard", "A read every lesson"), ("A passed the exam", "A got a good grade")),
    (("A ran ten miles", "A trained for hours"), ("A was out of breath", "A began to sweat")),
    (("A forgot to eat", "A skipped dinner"), ("A felt hungry", "the stomach of A hurt")),
    (("The fire grew hot", "A lit the stove"), ("the water boiled", "steam filled the room")),
    (("It snowed at night", "The winter came"), ("the roads were icy", "A wore a scarf")),
    (("A lost the wallet", "A thief robbed A"), ("A could not pay", "A called the police")),
    (("A told a joke", "A made a funny face"), ("everybody laughed", "the children smiled")),
    (("A watered the plant", "The sun shone"), ("the flower grew", "the roses opened")),
    (("A missed the bus", "The train was late"), ("A arrived late", "A had to walk")),
    (("A ate too much cake", "A drank bad milk"), ("A felt ill", "A saw the doctor")),
    (("The battery was empty", "The power failed"), ("the phone stopped", "the light went out")),
    (("A cut the finger", "A touched the thorn"), ("A began to bleed", "A needed a bandage")),
    (("A heard a loud noise", "The alarm rang"), ("A woke up", "the baby cried")),
    (("A broke the rules", "A lied to the judge"), ("A was punished", "A went to prison")),
    (("A saved money", "A worked two jobs"), ("A bought a house", "A paid the debt")),
    (("A left the door open", "The fence fell"), ("the dog ran away", "the cat escaped")),
    (("A painted all day", "A spilled the paint"), ("A had dirty hands", "the shirt was stained")),
)


def words_of(*phrases: str) -> set[str]:
    """Split phrases into their words, without punctuation or the slots A, B and O."""
    return {word.strip('.,?:"') for phrase in phrases for word in phrase.split()} - {"A", "B", "O", ""}

# The rule that rebuilds the embedded model from nothing stands here.

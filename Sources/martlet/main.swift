import ArgumentParser
print("martlet")

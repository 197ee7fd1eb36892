module github.com/seanchatmangpt/ggen/tier2

go 1.25.0
